from dataclasses import replace

import numpy as np
import pytest
import torch

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.datasets.darken import BLACK, WHITE, SynthesisSettings, darken
from darkdiff_cli.datasets.raws import CleanRaws
from darkdiff_cli.datasets.scene import Form
from darkdiff_cli.errors import InputError
from darkdiff_cli.raw import RawFrame, read_raw
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.colour_registration import registered
from darkdiff_cli.synthesis import write_dng
from darkdiff_cli.synthesis.unprocess import QUAD_BAYER

SETTINGS = SynthesisSettings(ratio_range=(100.0, 300.0), bright_share=0.0)


@pytest.fixture
def folder(tmp_path, shoot):
    for number in range(3):
        shoot(tmp_path / "mine" / f"{number}.dng", 1.0, 1.0)
    return tmp_path / "mine"


def test_own_raws_become_dark_pairs(folder, cache) -> None:
    data = CleanRaws(folder, SETTINGS, 16, 0, "train", Form(), cache)
    assert len(data) == 2
    first, again = data[5], data[5]
    assert first.noisy.shape == (3, 16, 16)
    assert torch.equal(first.noisy, again.noisy)
    assert float((first.noisy - first.clean).std()) > 0.02
    assert abs(float((first.noisy - first.clean).mean())) < 0.1


def test_splits_share_no_file(folder, cache) -> None:
    train, held_out = (CleanRaws(folder, SETTINGS, 32, 0, s, Form(), cache) for s in ("train", "validation"))
    assert not set(train.paths) & set(held_out.paths)


def near(picture: np.ndarray, other: torch.Tensor) -> bool:
    return np.allclose(np.minimum(picture, 1.0), other, atol=1e-5)


def test_bayer_planes_are_the_lrgb_before_its_colours_are_registered(folder, cache) -> None:
    lrgb = CleanRaws(folder, SETTINGS, 16, 0, "train", Form("camera"), cache)[3]
    planes = CleanRaws(folder, SETTINGS, 16, 0, "train", Form("camera", "raw-raw"), cache)[3]
    assert planes.noisy.shape == planes.reference.shape == (4, 16, 16)
    assert torch.allclose(planes.noisy[1:3].mean(0), lrgb.noisy[1], atol=1e-5)
    binned = np.stack([planes.noisy[0], lrgb.noisy[1], planes.noisy[3]], axis=-1)
    orders = ("RGGB", "GRBG", "GBRG", "BGGR")  # a pair may be turned and mirrored
    assert sum(near(registered(binned, Cfa.bayer(order)), lrgb.noisy.permute(1, 2, 0)) for order in orders) == 1
    assert not near(binned, lrgb.noisy.permute(1, 2, 0))
    left = CleanRaws(folder, SETTINGS, 16, 0, "train", Form("camera", register_colours=False), cache)[3]
    assert near(binned, left.noisy.permute(1, 2, 0))
    assert torch.equal(left.reference, lrgb.reference)


def test_squares_of_one_colour_become_the_photosites_that_they_make_up(sensor, capture, tmp_path, cache) -> None:
    dn = np.random.default_rng(0).integers(4000, 12_000, (160, 160)).astype(np.uint16)
    (tmp_path / "mine").mkdir()
    for number in range(3):
        write_dng(tmp_path / "mine" / f"{number}.dng", dn, replace(sensor, cfa=QUAD_BAYER.seen_from(2, 0)), capture)
    full = CleanRaws(tmp_path / "mine", SETTINGS, 16, 0, "train", Form(full_size=True), cache)[1].full
    assert full is not None
    assert not full.samples.each(lambda part: part[None]).in_squares.any()
    corner = full.samples.mask[:, :2, :2].argmax(dim=0).flatten().tolist()
    assert sorted(corner) == [0, 1, 1, 2]


def test_noise_options_do_what_they_say(dark_dng) -> None:
    frame = read_raw(dark_dng)
    flat = RawFrame(
        np.full((400, 400), 4000.0, np.float32), Cfa.bayer("RGGB"), BlackLevel.uniform(BLACK), WHITE, (1.0, 1.0, 1.0)
    )
    base = {"ratio_range": (200.0, 200.0), "bright_share": 0.0, "gain_range": (0.2, 0.2), "black_error": 0.0}

    def rows(**more: float) -> tuple[float, float]:
        dark, ratio, _ = darken(flat, SynthesisSettings(**base, **more), np.random.default_rng(4))
        assert ratio == pytest.approx(200.0)
        signal = dark.mosaic_dn.astype(float)
        return float(signal.mean(1).reshape(-1, 2).mean(1).std()), float((signal == BLACK).mean())

    quiet, banded = rows(row_noise=0.0), rows(row_noise=0.0, banding=5.0)
    assert banded[0] > 5 * quiet[0]
    assert banded[0] == pytest.approx(5.0, rel=0.6)
    assert rows(dead_pixels=0.2)[1] > rows()[1] + 0.15
    assert frame.mosaic_dn.ndim == 2


def test_an_empty_folder_is_one_sentence(tmp_path, cache) -> None:
    with pytest.raises(InputError, match="too few raw files"):
        CleanRaws(tmp_path, SETTINGS, 32, 0, "train", Form(), cache)
