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

PLAIN = SynthesisSettings(exposure_range=(1.0, 1.0), bright_share=0.0, reduced_share=0.0)


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


@pytest.mark.usefixtures("perfect_lens")
def test_large_photographs_are_seen_reduced_as_often_as_asked(tmp_path: Path) -> None:
    """Black and white columns that one factor turns into other widths, and a photograph that is too small for it."""
    columns = np.arange(96) // 12 % 2
    stripes = np.broadcast_to(np.where(columns, 255, 0).astype(np.uint8)[:, None], (96, 96, 3)).copy()
    large, small = one_photo(tmp_path / "large", stripes), one_photo(tmp_path / "small", stripes[:47, :47])
    assert not any(widest(pair) < 12 for pair in drawn(large, share=0.0))
    assert all(4 <= widest(pair) <= 8 for pair in drawn(large, share=1.0))  # 12 columns by 1.5 to 3
    some = [widest(pair) < 12 for pair in drawn(large, share=0.3)]
    assert np.mean(some) == pytest.approx(0.3, abs=0.12)
    assert not any(widest(pair) < 12 for pair in drawn(small, share=1.0))


def test_a_reduced_photograph_shows_as_much_more_of_the_scene(tmp_path: Path) -> None:
    """A slope: its steps from pixel to pixel are the factor."""
    slope = np.broadcast_to(np.arange(192, dtype=np.uint8)[:, None], (192, 192, 3)).copy()
    data = PhotoPairs(one_photo(tmp_path, slope), replace(PLAIN, reduced_share=1.0), 32, form=Form(full_size=True))
    steps = []
    for index in range(60):
        across, down = (np.abs(np.diff(levels(data[index])[8:-8, 8:-8, 1], axis=axis)).mean() for axis in (1, 0))
        assert min(across, down) < 0.1
        steps.append(max(across, down))
    assert 1.45 < min(steps) < 1.65
    assert 2.7 < max(steps) < 3.05


def drawn(folder: Path, share: float) -> list[Pair]:
    data = PhotoPairs(folder, replace(PLAIN, reduced_share=share), 16, form=Form(full_size=True))
    return [data[index] for index in range(100)]


def widest(pair: Pair) -> int:
    """Pixels across the widest stripe that does not reach the border, in the truth."""
    light = levels(pair)[..., 1]
    line = (light[5] if np.ptp(light[5]) > 100 else light[:, 5]) > 127
    edges = np.flatnonzero(np.diff(line)) + 1
    return int(np.diff(edges).max()) if len(edges) > 1 else 12


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
