"""Pairs with a picture of the truth, and pictures of both sizes."""

from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from darkdiff_cli.colour import srgb_decode
from darkdiff_cli.datasets.rawpairs import RawPair
from darkdiff_cli.decoder import Decoder
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.evaluation.methods.baselines import Amplified, BestMatrix, Libraw, OtherReference
from darkdiff_cli.evaluation.methods.external import External
from darkdiff_cli.evaluation.methods.method import Method
from darkdiff_cli.evaluation.protocols.protocol import Protocol, get_protocol
from darkdiff_cli.evaluation.quality.metrics import Judge
from darkdiff_cli.evaluation.quality.run import Results, run_quality
from darkdiff_cli.evaluation.sizes import at_the_size_of
from darkdiff_cli.raw import RawFrame, read_raw, render_reference
from darkdiff_cli.raw.libraw_rendering import render_amplified
from darkdiff_cli.raw.resizing import half_size
from darkdiff_cli.synthesis import mosaic_of, sensor_light, write_dng
from tests.conftest import DECODER, psnr

FULL, HALVED = get_protocol("full-scenes"), get_protocol("full-scenes-halved")
ENLARGED = ("they have half the size and were enlarged",)


class Shows(Method):
    """A picture that is given."""

    def __init__(self, picture: np.ndarray) -> None:
        self.name, self.picture = f"{picture.shape}", picture

    def render(self, dark: RawFrame, clean: RawFrame | None, ratio: float) -> np.ndarray:
        return self.picture


@pytest.fixture
def truth() -> np.ndarray:
    """(96, 128, 3) sRGB of 8 bits: slow waves of colour."""
    y, x = np.mgrid[0:96, 0:128] / 20
    picture = 0.5 + 0.3 * np.stack([np.sin(x), np.sin(y), np.cos(x + y)], axis=-1)
    return (np.rint(picture * 255) / 255).astype(np.float32)


@pytest.fixture
def pair(truth: np.ndarray, sensor, capture, tmp_path: Path) -> RawPair:
    """A raw without noise, four times too dark, and its truth."""
    mosaic = mosaic_of(sensor_light(srgb_decode(truth), sensor), sensor.cfa, sensor.black, sensor.white)
    dark = sensor.black + (mosaic - sensor.black) / 4
    write_dng(tmp_path / "a_x4.dng", np.rint(dark).astype(np.uint16), sensor, capture)
    iio.imwrite(tmp_path / "a_truth.png", np.rint(truth * 255).astype(np.uint8))
    [found] = FULL.find(tmp_path)
    return found


def scored(pair: RawPair, protocol: Protocol, output: Path, *methods: Method) -> Results:
    return run_quality([pair], methods, Judge(protocol), output, lambda *_: None, DECODER)


def test_pictures_of_both_sizes_are_judged_at_the_sensors(pair, truth: np.ndarray, tmp_path: Path) -> None:
    full, half = scored(pair, FULL, tmp_path / "out", Shows(truth), Shows(half_size(truth))).rows
    assert full.scores["psnr"] == pytest.approx(120.0)
    assert 35 < half.scores["psnr"] < 60  # waves are slow
    assert (full.notes, half.notes) == ((), ENLARGED)
    assert full.ratio == 4.0


def test_pictures_of_both_sizes_are_judged_at_half_of_it(pair, truth: np.ndarray, tmp_path: Path) -> None:
    rows = scored(pair, HALVED, tmp_path / "out", Shows(truth), Shows(half_size(truth))).rows
    assert [row.scores["psnr"] for row in rows] == pytest.approx([120.0, 120.0])
    assert [row.notes for row in rows] == [(), ()]


def test_a_picture_that_was_cut_is_said_to_be(pair, truth: np.ndarray, tmp_path: Path) -> None:
    odd, cut = scored(pair, FULL, tmp_path / "out", Shows(truth[:-1]), Shows(truth[:-2])).rows
    assert [row.scores["psnr"] for row in (odd, cut)] == pytest.approx([120.0, 120.0])
    assert (odd.notes, cut.notes) == (
        (),
        ("their size is not the reference's; what is over at the right or below was cut off",),
    )


def test_libraw_amplifies_and_demosaics(pair, tmp_path: Path) -> None:
    libraw, amplified = scored(pair, FULL, tmp_path / "out", Libraw("file"), Amplified()).rows
    assert libraw.scores["psnr"] > 38
    assert (libraw.notes, amplified.notes) == ((), ENLARGED)


def test_the_truth_must_have_the_sensors_size(pair, truth: np.ndarray, tmp_path: Path) -> None:
    iio.imwrite(pair.clean, np.zeros((96, 126, 3), np.uint8))
    results = scored(pair, FULL, tmp_path / "out", Shows(truth))
    assert results.rows == []
    assert results.failures == [
        f"{pair.clean}: has 126x96 pixels, and a_x4.dng 128x96; a truth must have the sensor's size."
    ]


def test_what_needs_a_clean_raw_is_refused_at_once(pair, tmp_path: Path) -> None:
    needing = [BestMatrix(Amplified(), False), OtherReference(False), External("convert {in} {out}", 1.0)]
    words = (
        "amplify best-matrix, reference against reference, convert: needs the clean raws, and the pairs of full-scenes "
        "have pictures of the truth instead; leave it out or give --external-reference protocol."
    )
    with pytest.raises(SettingsError, match=words):
        scored(pair, FULL, tmp_path / "out", Amplified(), *needing)


@pytest.mark.parametrize("size", ["half", "full"])
def test_the_reference_of_a_clean_raw_has_the_protocols_size(size, shoot, tmp_path: Path) -> None:
    files = RawPair(shoot(tmp_path / "dark.dng", 20.0, 0.05), shoot(tmp_path / "clean.dng", 1.0, 1.0), "a")
    protocol = replace(get_protocol("scenes-levels"), size=size)
    clean = read_raw(files.clean)
    own = render_reference(clean, size=size)
    rows = scored(files, protocol, tmp_path / "out", Shows(own), BestMatrix(Amplified(), False, size)).rows
    assert own.shape[0] == clean.mosaic_dn.shape[0] // (2 if size == "half" else 1)
    assert rows[0].scores["psnr"] == pytest.approx(120.0)
    assert rows[1].notes == (ENLARGED if size == "full" else ())


def test_half_size_is_the_mean_of_light_and_rest_is_left_out() -> None:
    board = np.indices((5, 7)).sum(axis=0) % 2
    assert half_size(np.repeat(board[..., None], 3, axis=2).astype(np.float32)) == pytest.approx(0.735357, abs=1e-5)
    assert half_size(np.zeros((5, 7, 3), np.float32)).shape == (2, 3, 3)


@pytest.mark.parametrize("shape", [(5, 7), (10, 14), (20, 28), (41, 57), (82, 115)])
def test_sizes_that_are_brought_together(shape: tuple[int, int]) -> None:
    picture = np.full((*shape, 3), 0.4, np.float32)
    found = at_the_size_of(np.zeros((20, 29, 3), np.float32), picture)
    assert found.shape[:2] == (20, 28)
    assert found == pytest.approx(0.4, abs=1e-6)


@pytest.mark.parametrize("side", [3, 160])
def test_sizes_that_are_not(side: int) -> None:
    with pytest.raises(ValueError, match="against a reference of"):
        at_the_size_of(np.zeros((20, 20, 3), np.float32), np.zeros((side, side, 3), np.float32))


def test_libraw_on_the_clean_scenes_is_as_measured_elsewhere(shared: Path) -> None:
    """35.92 dB, the mean of seven, is what rawpy's own DHT of these files gives."""
    values = []
    for path in sorted((shared / "scenes_full").glob("*_x1.dng")):
        if "_xt_" not in path.name:
            frame = read_raw(path)
            picture = Libraw("file").render(frame, None, 1.0)
            truth = iio.imread(path.with_name(path.name.replace("_x1.dng", "_truth.png"))) / 255
            values.append(psnr(picture, truth))
    assert len(values) == 7
    assert np.mean(values) == pytest.approx(35.9, abs=0.05)


def test_a_raw_that_brings_libraw_down_costs_the_baseline_alone(pair: RawPair, tmp_path: Path, monkeypatch) -> None:
    run = Decoder.run

    def falling(self: Decoder, path: Path, function, *arguments):
        if function is render_amplified:
            assert self.process is not None
            self.process.kill()  # as a segfault in LibRaw would
        return run(self, path, function, *arguments)

    monkeypatch.setattr(Decoder, "run", falling)
    results = scored(pair, FULL, tmp_path / "out", Libraw("file"), Amplified())
    assert [row.method for row in results.rows] == ["amplify"]
    said = f"{pair.noisy}: brought the raw decoder down; copy it again from the card."
    assert results.failures == [f"{pair.scene}, libraw: {said}"]
