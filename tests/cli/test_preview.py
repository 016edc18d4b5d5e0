"""`darkdiff preview`, as a user runs it: what stands where on the sheet, and what happens to bad files."""

import errno
import json
from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.colour import srgb_decode
from darkdiff_cli.decoder import Decoder
from darkdiff_cli.photo.writer import WRITERS
from darkdiff_cli.preview.lettering import lines
from darkdiff_cli.raw import ExposureSettings, RawFrame, read_exposure, read_raw
from darkdiff_cli.synthesis import SensorNoise, expose, unprocess, write_dng

GROUND, TEXT, MARK, FAILED = (38, 38, 38), (225, 225, 225), (255, 176, 0), (255, 138, 122)
LEFT = [8, 336, 664, 992, 1320, 1648]  # of five small pictures and the crop
FIRST, BELOW = 68, 30  # first row of the first picture; height of the label and the gap below a picture


@pytest.fixture(scope="module")
def turned(photograph, sensor, capture, tmp_path_factory):
    """turned(orientation): the photograph, 100 times too dark, with its bright square at the sensor's upper left."""
    folder = tmp_path_factory.mktemp("turned")
    noise = SensorNoise(gain=0.2, shape=0.1, read_scale=0.3, row_scale=0.1)
    mosaic = expose(unprocess(photograph, sensor), 100.0, noise, sensor.black, sensor.white, np.random.default_rng(1))

    def write(orientation: int) -> Path:
        path = folder / f"turned{orientation}.dng"
        write_dng(path, mosaic, sensor, capture, orientation=orientation)
        return path

    return write


def run(*arguments: object):
    quick = ("--quiet", "--steps", "1", "--views", "1", "--size", "half")
    return CliRunner().invoke(app, ["preview", *map(str, arguments), *quick])


def auto_alone(path: Path) -> tuple[str, float]:
    """The option that shows the automatic ratio and no other."""
    return "--ratio", read_exposure(path, ExposureSettings()).ratio


@pytest.fixture(scope="module")
def three(turned, tmp_path_factory):
    """The plain case, run once: two turned raws, and a file that is none between them."""
    folder = tmp_path_factory.mktemp("three")
    (folder / "bad.dng").write_text("no raw at all")
    paths = [turned(6), folder / "bad.dng", turned(8)]
    done = run(*paths, "-o", folder / "sheet.tif", "--json")
    return done, paths, iio.imread(folder / "sheet.tif")


def written(sheet: np.ndarray, text: str, left: int, top: int, size: int, colour=TEXT) -> bool:
    """Whether a text stands exactly here, in Pillow's font, and nothing behind it."""
    wide, high = round(ImageFont.load_default(size).getlength(text)) + 20, round(1.2 * size)
    picture = Image.new("RGB", (wide, high), GROUND)
    ImageDraw.Draw(picture).text((0, 0), text, fill=colour, font=ImageFont.load_default(size))
    return np.array_equal(sheet[top : top + high, left : left + wide], np.asarray(picture))


def test_a_bad_file_is_one_sentence_on_stderr_and_in_its_row(three) -> None:
    done, paths, sheet = three
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert [entry["file"] for entry in found["files"]] == [str(paths[0]), str(paths[2])]
    assert [failure["file"] for failure in found["failed"]] == [str(paths[1])]
    assert done.stderr.splitlines() == [f"darkdiff: {found['failed'][0]['error']}"]
    top = FIRST + 56 + BELOW + 8  # below the first row
    assert written(sheet, "bad.dng", 8, top, 20)
    reason = found["failed"][0]["error"].removeprefix(f"{paths[1]}: ")
    assert reason.startswith("is no raw file")
    assert written(sheet, reason, 8, top + 30, 15, FAILED)
    assert (sheet[top + 30 + 20 : top + 30 + 22 + 8] == GROUND).all()  # and no room is left for pictures


def test_json_tells_the_automatic_ratio_and_the_others(three) -> None:
    done, paths, _ = three
    found = json.loads(done.stdout)
    for entry, path in zip(found["files"], (paths[0], paths[2]), strict=True):
        auto = read_exposure(path, ExposureSettings()).ratio
        assert entry["ratio"] == auto
        assert entry["ratios"] == [auto / 4, auto / 2, auto, auto * 2, auto * 4]
        assert entry["balances"] == {"camera": auto}
        assert entry["at"] == [50, 50]


@pytest.mark.parametrize(("row", "bright"), [(0, (5, 28)), (2, (44, 5))], ids=["orientation 6", "orientation 8"])
def test_pictures_are_upright_and_in_their_places(three, row: int, bright: tuple[int, int]) -> None:
    _, paths, sheet = three
    top = {0: FIRST - 30, 2: FIRST + 56 + BELOW + 8 + 30 + 22 + 8}[row]
    assert written(sheet, paths[row].name, 8, top, 20)
    for left in LEFT[2:3] + LEFT[5:]:
        cell = sheet[top + 30 : top + 30 + 56, left : left + 40].astype(int).sum(axis=-1)
        down, across = bright
        inside = np.zeros((56, 40), bool)
        inside[down : down + 7, across : across + 7] = True
        assert cell[inside].mean() > 1.3 * cell[~inside].mean()


def test_the_automatic_ratio_is_marked_and_no_other(three) -> None:
    done, _, sheet = three
    auto = json.loads(done.stdout)["files"][0]["ratio"]
    top = FIRST
    for number, left in enumerate(LEFT):
        marked = number == 2
        around = sheet[top - 3 : top + 59, left - 3 : left + 43]
        for border in (around[:3], around[-3:], around[:, :3], around[:, -3:]):
            assert (border == (MARK if marked else GROUND)).all()
    labels = [f"x{auto * 2.0**stop:.4g}, wb camera" for stop in (-2, -1, 0, 1, 2)]
    labels[2] = f"x{auto:g} auto, wb camera"
    for number, (left, label) in enumerate(zip(LEFT, labels, strict=False)):
        assert written(sheet, label, left, top + 56 + 3, 15, MARK if number == 2 else TEXT)
    assert written(sheet, f"1:1 at 50,50, x{auto:g} auto", LEFT[5], top + 56 + 3, 15)
    assert sheet.shape[1] == 1912


def test_light_doubles_from_picture_to_picture(turned, tmp_path: Path) -> None:
    options = ("--ratio", 10, "--ratio", 40, "--ratio", 20, "--white", "file", "--json")
    done = run(turned(1), "-o", tmp_path / "sheet.tif", *options)
    assert json.loads(done.stdout)["files"][0]["ratios"][:3] == [10, 20, 40]
    sheet = iio.imread(tmp_path / "sheet.tif").astype(np.float32) / 255
    light = [srgb_decode(sheet[FIRST : FIRST + 40, left : left + 56]).mean() for left in LEFT[:3]]
    assert light[1] / light[0] == pytest.approx(2, rel=0.05)
    assert light[2] / light[1] == pytest.approx(2, rel=0.05)


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
    assert sheet.shape[1] == 8 + 3 * 328 + 256 + 8
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


def test_the_crop_is_taken_where_it_is_asked_for(sensor, capture, tmp_path: Path) -> None:
    """A raw on its side: the bright square is at the upper right of the sensor, so at the lower right when upright."""
    picture = np.full((300, 400, 3), 0.2, np.float32)
    picture[40:72, 320:352] = 0.8
    noise = SensorNoise(gain=0.2, shape=0.1, read_scale=0.3, row_scale=0.1)
    mosaic = expose(unprocess(picture, sensor), 50.0, noise, sensor.black, sensor.white, np.random.default_rng(1))
    write_dng(tmp_path / "side.dng", mosaic, sensor, capture, orientation=6)
    options = (*auto_alone(tmp_path / "side.dng"), "--at", "100,75", "--json")
    done = run(tmp_path / "side.dng", "-o", tmp_path / "s.tif", *options)
    [entry] = json.loads(done.stdout)["files"]
    assert entry["at"] == [57, 68]  # (300 - 128) / 300, (400 - 128) / 400: the window stays inside
    sheet = iio.imread(tmp_path / "s.tif")
    crop = sheet[FIRST : FIRST + 256, 8 + 328 :][:, :256].astype(int).sum(axis=-1)
    # Upright: row = the sensor's column, column = 299 - the sensor's row; the window starts at (144, 44).
    square = crop[320 - 144 + 4 : 352 - 144 - 4, 299 - 71 - 44 + 4 : 299 - 40 - 44 - 3]
    assert square.mean() > 1.8 * np.median(crop)
    assert np.unravel_index(_means(crop, 32).argmax(), crop.shape) == pytest.approx((192, 200), abs=4)
    outlined = (sheet[FIRST : FIRST + 320, 8:248] == MARK).all(axis=-1)
    rows, columns = np.nonzero(outlined)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == pytest.approx((115, 319, 35, 239), abs=1)


def _means(picture: np.ndarray, side: int) -> np.ndarray:
    from scipy.ndimage import uniform_filter

    return uniform_filter(picture.astype(float), side)


def test_the_crop_shows_the_detail_by_itself(sensor, capture, tmp_path: Path) -> None:
    picture = np.full((270, 600, 3), 0.3, np.float32)
    picture[120:180, 480:540] = np.kron(np.indices((15, 15)).sum(axis=0) % 2, np.ones((4, 4)))[..., None] * 0.7
    noise = SensorNoise(gain=0.2, shape=0.1, read_scale=0.3, row_scale=0.1)
    mosaic = expose(unprocess(picture, sensor), 50.0, noise, sensor.black, sensor.white, np.random.default_rng(1))
    write_dng(tmp_path / "a.dng", mosaic, sensor, capture)
    done = run(tmp_path / "a.dng", "-o", tmp_path / "s.tif", *auto_alone(tmp_path / "a.dng"), "--json")
    [entry] = json.loads(done.stdout)["files"]
    x, y = entry["at"]
    assert 600 * x / 100 + 128 >= 540
    assert 600 * x / 100 - 128 <= 480
    assert 43 <= y <= 57


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--ratio", "0"), "--ratio 0"),
        (("--wb", "as-shot"), "--wb as-shot"),
        (("--at", "50"), "--at 50"),
        (("--at", "50,101"), "--at 50,101"),
        (("--ratio", 1, "--ratio", 2, "--ratio", 3, "--ratio", 4, "--ratio", 5), "at most 4"),
        (("--wb", 2000, "--wb", 3000, "--wb", 4000, "--wb", 5000, "--wb", 6000, "--wb", 7000), "at most 5"),
        (("-o", "sheet.gif"), "sheet.gif"),
        (("-o", "sheet.dng"), "sheet.dng"),
        (("-o", "sheet.avif"), "sheet.avif"),
        (("-o", "nowhere/sheet.jpg"), "no such folder"),
        (("-o", "IMG.tif"), "one of the inputs"),
        (("--model", "/nowhere/at/all"), "no model"),
    ],
)
def test_wrong_use_is_one_sentence_and_no_file(arguments, words: str, turned, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("IMG.tif").write_bytes(turned(1).read_bytes())
    output = () if "-o" in arguments else ("-o", "sheet.jpg")
    done = run("IMG.tif", *output, *arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["IMG.tif"]


def test_a_sheet_holds_a_hundred_lines(tmp_path: Path) -> None:
    many = [tmp_path / "missing.dng"] * 101
    done = run(*many, "-o", tmp_path / "sheet.jpg")
    assert (done.exit_code, "at most 100 files" in done.stderr) == (2, True)
    done = run(*many[:51], "-o", tmp_path / "sheet.jpg", "--wb", "camera", "--wb", "auto")
    assert (done.exit_code, "at most 50 files" in done.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_sheet_is_kept_or_replaced(turned, tmp_path: Path) -> None:
    target = tmp_path / "sheet.jpg"
    target.write_text("mine")
    arguments = (turned(1), "-o", target, *auto_alone(turned(1)))
    done = run(*arguments)
    assert (done.exit_code, target.read_text()) == (2, "mine")
    assert "--overwrite" in done.stderr
    late = run(tmp_path / "missing.dng", "-o", target)  # refused before a raw is read
    assert "--overwrite" in late.stderr
    assert "missing.dng" not in late.stderr
    done = run(*arguments, "--overwrite")
    assert (done.exit_code, done.stdout) == (0, f"{target}\n")
    with Image.open(target) as sheet:
        assert sheet.format == "JPEG"
        assert "generative" in sheet.getexif()[270]


def test_a_full_disk_leaves_no_part_of_a_sheet(turned, tmp_path: Path, monkeypatch) -> None:
    def full(path: Path, *_: object) -> None:
        path.write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setitem(WRITERS, "jpeg", full)
    done = run(turned(1), "-o", tmp_path / "sheet.jpg", *auto_alone(turned(1)))
    assert (done.exit_code, "the disk is full" in done.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_nothing_but_bad_files_makes_no_sheet(tmp_path: Path) -> None:
    bad = [tmp_path / name for name in ("a.dng", "b.dng")]
    for path in bad:
        path.write_text("no raw")
    done = run(*bad, "-o", tmp_path / "sheet.jpg", "--json")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["sheet"] is None
    assert sorted(tmp_path.iterdir()) == bad


def test_files_of_one_name_show_their_folders(turned, tmp_path: Path) -> None:
    copies = [tmp_path / night / "IMG.dng" for night in ("one", "two")]
    for copy in copies:
        copy.parent.mkdir()
        copy.write_bytes(turned(1).read_bytes())
    assert run(*copies, "-o", tmp_path / "s.tif", *auto_alone(turned(1))).exit_code == 0
    sheet = iio.imread(tmp_path / "s.tif")
    assert written(sheet, "one/IMG.dng", 8, 38, 20)
    assert written(sheet, "two/IMG.dng", 8, FIRST + 40 + BELOW + 8, 20)
