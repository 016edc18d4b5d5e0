"""Crops of raws: where they lie and how they are turned, found again in the whole frame."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from darkdiff_cli.colour import srgb_decode
from darkdiff_cli.datasets import RawPair, RawPairs, SynthesisSettings
from darkdiff_cli.datasets.raws import CleanRaws
from darkdiff_cli.datasets.scene import Form
from darkdiff_cli.raw import develop, read_raw
from darkdiff_models.detail.samples import halved

CROP = 16
FORM = ("srgb", "lrgb-srgb")
DARK = SynthesisSettings(ratio_range=(100.0, 300.0), bright_share=0.0)


def place(crop: np.ndarray, whole: np.ndarray) -> tuple[int, int, bool, bool]:
    """Top, left, mirrored and transposed of a (h, w, 3) crop; the frame holds it once."""
    for transposed in (False, True):
        for mirrored in (False, True):
            upright = crop.transpose(1, 0, 2) if transposed else crop
            upright = upright[:, ::-1] if mirrored else upright
            for top, left in np.argwhere(np.abs(whole - upright[0, 0]).max(axis=2) < 1e-6).tolist():
                there = whole[top : top + upright.shape[0], left : left + upright.shape[1]]
                if there.shape == upright.shape and np.allclose(there, upright, atol=1e-6):
                    return top, left, mirrored, transposed
    raise AssertionError("the frame does not hold this crop")


def hwc(image) -> np.ndarray:
    return image.permute(1, 2, 0).numpy()


def assert_anywhere(places: list[tuple[int, int, bool, bool]], side: int) -> None:
    """Of a frame of 40 x 56: from rim to rim, and all four turns alike."""
    tops, lefts = [top for top, *_ in places], [left for _, left, *_ in places]
    for corners, last in ((tops, 40 - side), (lefts, 56 - side)):
        assert min(corners) <= 3
        assert max(corners) >= last - 3
    turns = Counter((mirrored, transposed) for *_, mirrored, transposed in places)
    assert len(turns) == 4
    assert min(turns.values()) > len(places) / 8


def test_both_exposures_are_cropped_and_turned_alike_anew_for_each_item(shoot, tmp_path: Path, cache) -> None:
    clean, dark = shoot(tmp_path / "clean.dng", 1.0, 1.0), shoot(tmp_path / "dark.dng", 10.0, 0.1)
    data = RawPairs([RawPair(dark, clean, "scene", 10.0)], CROP, 0, *FORM, cache)
    bright, amplified = (develop(read_raw(path), gain).pixels for path, gain in ((clean, 1.0), (dark, 10.0)))
    places = []
    for index in range(80):
        pair = data[index]
        places.append(place(hwc(pair.clean), bright))
        if index < 10:
            assert place(hwc(pair.noisy), amplified) == places[-1]
    assert_anywhere(places, CROP)


def test_a_ratio_that_is_given_is_believed(shoot, tmp_path: Path, cache) -> None:
    clean, dark = shoot(tmp_path / "clean.dng", 1.0, 1.0), shoot(tmp_path / "dark.dng", 10.0, 0.1)
    for given, used in ((50.0, 50.0), (None, 10.0)):
        pair = RawPairs([RawPair(dark, clean, "scene", given)], 64, 0, *FORM, cache)[0]
        assert pair.names == (f"scene x{used:.0f}",)
        assert float(pair.noisy.min()) == pytest.approx(float(develop(read_raw(dark), used).pixels.min()), rel=1e-5)


def test_another_seed_is_another_order(shoot, tmp_path: Path, cache) -> None:
    clean = shoot(tmp_path / "clean.dng", 1.0, 1.0)
    pairs = [RawPair(shoot(tmp_path / f"{n}.dng", 10.0, 0.1), clean, f"scene{n}", 10.0) for n in range(5)]
    orders = [[RawPairs(pairs, CROP, seed, *FORM, cache)[i].names[0] for i in range(15)] for seed in (0, 1)]
    assert orders[0] != orders[1]


@pytest.fixture
def own(shoot, tmp_path: Path) -> Path:
    for number in range(2):
        shoot(tmp_path / "mine" / f"{number}.dng", 1.0, 1.0)
    return tmp_path / "mine"


@pytest.mark.usefixtures("perfect_lens")
def test_own_raws_are_cropped_anywhere_and_turned_any_way(own: Path, cache) -> None:
    """The truth at full size is the binned raw itself, in linear light."""
    data = CleanRaws(own, DARK, CROP, 0, "train", Form(full_size=True), cache)
    whole = np.clip(develop(read_raw(own / "1.dng"), 1.0).pixels, 0, 1)
    truths = [data[index].full.truth for index in range(80)]
    assert_anywhere([place(srgb_decode(hwc(truth)), whole) for truth in truths], 2 * CROP)


def test_own_raws_are_seen_once_more_by_the_same_camera(own: Path, cache) -> None:
    bright = SynthesisSettings(ratio_range=(1.0, 1.01), bright_share=0.0, gain_range=(0.1, 0.1))
    frame, pair = read_raw(own / "1.dng"), CleanRaws(own, bright, CROP, 0, "train", Form(full_size=True), cache)[4]
    samples, truth = pair.full.samples, pair.full.truth
    assert np.allclose(samples.srgb_from_camera, frame.srgb_from_camera, atol=1e-6)
    assert pair.noisy.shape == (3, CROP, CROP)
    assert (samples.mask.mean(dim=(1, 2)) * 4).tolist() == [1.0, 2.0, 1.0]
    assert torch.allclose(halved(truth[None])[0], pair.reference, atol=1e-5)
    matrix, light = torch.linalg.inv(samples.srgb_from_camera), torch.from_numpy(srgb_decode(truth.numpy()))
    seen = torch.einsum("ij,jhw->ihw", matrix, light)
    assert float(((samples.colours - seen) * samples.mask)[:, 4:-4, 4:-4].abs().median()) < 0.02


def test_splits_of_own_raws_draw_numbers_of_their_own_and_excluded_files_stay_out(own: Path, cache) -> None:
    def ratios(split: str) -> list[str]:
        data = CleanRaws(own, DARK, CROP, 0, split, Form(), cache)
        return [data[index].names[0].split(" x")[1] for index in range(6)]

    train, held_out = ratios("train"), ratios("validation")
    assert len(set(train)) > 3
    assert sum(one == other for one, other in zip(train, held_out, strict=True)) <= 1
    left_out = SynthesisSettings(exclude=("0.dng",))
    assert [path.name for path in CleanRaws(own, left_out, CROP, 0, "validation", Form(), cache).paths] == ["1.dng"]
