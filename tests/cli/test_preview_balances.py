"""White balances on the sheet of `darkdiff preview`."""

import json
from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio

from darkdiff_cli.decoder import Decoder
from darkdiff_cli.preview.lettering import lines
from darkdiff_cli.raw import ExposureSettings, RawFrame, read_exposure, read_raw
from tests.cli.sheets import BELOW, FAILED, FIRST, LEFT, MARK, TEXT, run, written


def test_white_balances_stand_in_a_second_line_and_the_raw_is_read_once(turned, tmp_path: Path, monkeypatch) -> None:
    read: list[Path] = []
    reader = Decoder.run
    monkeypatch.setattr(
        Decoder, "run", lambda self, path, *words, **more: read.append(path) or reader(self, path, *words, **more)
    )
    options = ("--ratio", "auto", "--ratio", 50, "--wb", "daylight", "--wb", "4,1,1", "--wb", "1,1,4", "--json")
    done = run(turned(1), "-o", tmp_path / "sheet.tif", *options)
    assert read == [turned(1)]
    [entry] = json.loads(done.stdout)["files"]
    expected = {
        name: read_exposure(turned(1), ExposureSettings(wb=wb)).ratio
        for name, wb in (("daylight", "daylight"), ("4,1,1", (4.0, 1.0, 1.0)), ("1,1,4", (1.0, 1.0, 4.0)))
    }
    assert entry["balances"] == expected
    assert entry["ratios"] == [50, expected["daylight"]]
    sheet = iio.imread(tmp_path / "sheet.tif")
    assert sheet.shape[1] == 8 + 3 * 221 + 256 + 8
    top = FIRST + 40 + BELOW
    for left, (name, ratio) in zip(LEFT, expected.items(), strict=False):
        colour = MARK if name == "daylight" else TEXT
        assert written(sheet, f"x{ratio:.4g} auto, wb {name}", left, top + 40 + 3, 15, colour)
    red, blue = (sheet[top : top + 40, left : left + 56].mean(axis=(0, 1)) for left in LEFT[1:3])
    assert red[0] > 1.5 * red[2]
    assert blue[2] > 1.5 * blue[0]


def test_a_white_balance_that_cannot_be_had_is_a_sentence_and_the_others_are_shown(
    turned, tmp_path: Path, monkeypatch
) -> None:
    """Of a camera whose colours nobody knows; the first that can be had is that of the ratios."""
    import darkdiff_cli.raw.exposure as exposure

    def colourless(path: Path, black: float | None) -> RawFrame:
        return replace(read_raw(path, black), srgb_from_camera=None, daylight=None, dng=None)

    monkeypatch.setattr(exposure, "read_raw", colourless)
    monkeypatch.setattr(Decoder, "run", lambda _self, _path, function, *words, **_: function(*words))  # in this process
    options = ("--ratio", 50, "--wb", 3200, "--wb", "4,1,1", "--wb", "1,1,4", "--json")
    done = run(turned(1), "-o", tmp_path / "sheet.tif", *options)
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    [entry], [failure] = found["files"], found["failed"]
    assert list(entry["balances"]) == ["4,1,1", "1,1,4"]
    assert failure["file"] == str(turned(1))
    assert done.stderr == f"darkdiff: {failure['error']}\n"
    assert "--wb 3200 needs a colour matrix" in failure["error"]
    sheet = iio.imread(tmp_path / "sheet.tif")
    sentence = lines(failure["error"].removeprefix(f"{turned(1)}: "), sheet.shape[1] - 16, 15)
    assert all(written(sheet, line, 8, 68 + 22 * n, 15, FAILED) for n, line in enumerate(sentence))
    first = FIRST + len(sentence) * 22
    for row, label in ((first, "x50, wb 4,1,1"), (first + 40 + BELOW, f"x{entry['ratio']:.4g} auto, wb 4,1,1")):
        assert written(sheet, label, 8, row + 40 + 3, 15, TEXT if row == first else MARK)
    alone = run(turned(1), "-o", tmp_path / "none.tif", "--wb", 3200)
    assert (alone.exit_code, (tmp_path / "none.tif").exists()) == (2, False)
