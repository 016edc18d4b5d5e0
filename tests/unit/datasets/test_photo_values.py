"""Photographs on their way to a pair: decoding, crops, turns, light, by their values."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import torch

from darkdiff_cli.datasets import Pair, PhotoPairs, SynthesisSettings
from darkdiff_cli.datasets.photos import load_photo
from darkdiff_cli.datasets.scene import Form

PLAIN = SynthesisSettings(exposure_range=(1.0, 1.0), bright_share=0.0)


def one_photo(folder: Path, picture: np.ndarray) -> Path:
    """A folder whose training set is one photograph: the first is held out."""
    folder.mkdir(exist_ok=True)
    for name in ("a.png", "b.png"):
        iio.imwrite(folder / name, picture)
    return folder


def levels(pair: Pair) -> np.ndarray:
    """(2h, 2w, 3) the truth at full size in 8-bit levels, not rounded."""
    assert pair.full is not None
    return pair.full.truth.permute(1, 2, 0).numpy() * 255


def full_pairs(folder: Path, crop: int) -> PhotoPairs:
    """Pairs with their full-size truth, of crops of so many LRGB pixels."""
    return PhotoPairs(folder, PLAIN, crop, form=Form(full_size=True))


@pytest.mark.parametrize(
    ("name", "picture", "expected"),
    [
        ("deep.tif", np.full((4, 4, 3), 0x80FF, np.uint16), [0x80] * 3),
        ("grey.png", np.full((4, 4), 77, np.uint8), [77] * 3),
        ("clear.png", np.tile(np.array([10, 20, 30, 40], np.uint8), (4, 4, 1)), [10, 20, 30]),
    ],
)
def test_photographs_become_three_channels_of_8_bit(name, picture, expected, tmp_path: Path) -> None:
    iio.imwrite(tmp_path / name, picture)
    photo = load_photo(tmp_path / name)
    assert (photo.shape, photo.dtype) == ((4, 4, 3), np.uint8)
    assert photo[2, 3].tolist() == expected


@pytest.mark.parametrize("level", [40, 128, 255])
def test_a_grey_photograph_keeps_its_level(level: int, tmp_path: Path) -> None:
    folder = one_photo(tmp_path, np.full((40, 40, 3), level, np.uint8))
    assert levels(full_pairs(folder, 16)[0]) == pytest.approx(level, abs=0.1)


def test_exposure_scales_the_light(photo_folder: Path) -> None:
    quarter, half = (
        PhotoPairs(photo_folder, replace(PLAIN, exposure_range=(factor, factor)), 32)[3].clean for factor in (0.25, 0.5)
    )
    assert quarter.max() > 0.05
    assert torch.allclose(half, 2 * quarter, atol=1e-5)


def test_crops_lie_anywhere_turned_any_way(tmp_path: Path) -> None:
    """A photograph whose red tells the column and whose green the row."""
    rows, columns = np.mgrid[0:48, 0:60].astype(np.uint8)
    folder = one_photo(tmp_path, np.stack([100 + columns, 100 + rows, np.full_like(rows, 128)], axis=-1))
    data, corners, turns = full_pairs(folder, 16), [], Counter()
    for index in range(120):
        column, row, _ = (np.rint(levels(data[index])) - 100).transpose(2, 0, 1)
        transposed = bool(column[1, 0] != column[0, 0])
        if transposed:
            column, row = column.T, row.T
        assert np.array_equal(np.abs(np.diff(column, axis=1)), np.ones((32, 31)))
        assert np.array_equal(np.diff(row, axis=0), np.ones((31, 32)))
        turns[bool(column[0, 0] > column[0, 1]), transposed] += 1
        corners.append((row.min(), column.min()))
    tops, lefts = np.array(corners).T
    assert (tops.min(), tops.max()) == (0, 48 - 32)
    assert lefts.min() <= 1
    assert lefts.max() >= 60 - 32 - 1
    assert len(turns) == 4
    assert min(turns.values()) > 15


def test_large_photographs_are_seen_at_half_size_as_well(tmp_path: Path) -> None:
    """A chequered one: at half size it is the mean of black and white."""
    rows, columns = np.mgrid[0:64, 0:64]
    board = np.where((rows + columns)[..., None] % 2, 255, 0).astype(np.uint8).repeat(3, axis=2)
    pairs = [full_pairs(one_photo(tmp_path / "large", board), 16)[index] for index in range(80)]
    halved = [pair for pair in pairs if np.ptp(levels(pair)) < 1]
    assert len(halved) / len(pairs) == pytest.approx(0.5, abs=0.12)
    assert all(levels(pair) == pytest.approx(127.5, abs=0.1) for pair in halved)
    small = full_pairs(one_photo(tmp_path / "small", board[:63]), 16)
    assert all(np.ptp(levels(small[index])) > 250 for index in range(20))


def test_every_twentieth_photograph_is_held_out(photo_folder: Path) -> None:
    held_out = PhotoPairs(photo_folder, PLAIN, 32, split="validation")
    assert [path.name for path in held_out.paths] == ["00.png", "20.png"]


def test_splits_and_seeds_draw_numbers_of_their_own(photo_folder: Path) -> None:
    """The ratios, which every pair's name tells."""
    sets = [PhotoPairs(photo_folder, PLAIN, 32, seed=s, split=split) for s, split in ((0, "train"), (1, "train"))]
    sets.append(PhotoPairs(photo_folder, PLAIN, 32, split="validation"))
    ratios = [[data[index].names[0].split(" x")[1] for index in range(6)] for data in sets]
    assert all(len(set(drawn)) > 3 for drawn in ratios)
    for others in ratios[1:]:
        assert sum(one == other for one, other in zip(ratios[0], others, strict=True)) <= 1
