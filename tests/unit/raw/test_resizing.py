"""Pictures that are made smaller: their size, their light, their lamps, and the memory that it takes."""

import tracemalloc

import numpy as np
import pytest

from darkdiff_cli.colour import srgb_decode, srgb_encode
from darkdiff_cli.raw import resizing
from darkdiff_cli.raw.resizing import no_longer


@pytest.mark.parametrize(
    ("shape", "long_side", "size"),
    [
        ((400, 600), 300, (200, 300)),
        ((600, 400), 300, (300, 200)),
        ((401, 599), 150, (100, 150)),
        ((400, 600), 599, (399, 599)),
        ((10, 900), 16, (1, 16)),
    ],
)
def test_the_longer_side_has_so_many_pixels_and_the_shape_stays(shape, long_side, size) -> None:
    small = no_longer(np.full((*shape, 3), 0.3, dtype=np.float32), long_side)
    assert small.shape == (*size, 3)
    assert small.dtype == np.float32
    assert np.abs(small - 0.3).max() < 1e-6


@pytest.mark.parametrize("long_side", [60, 61, 10_000])
def test_nothing_is_enlarged(long_side: int) -> None:
    picture = np.random.default_rng(0).random((40, 60, 3)).astype(np.float32)
    assert no_longer(picture, long_side) is picture


def test_light_is_averaged_and_not_its_display_values() -> None:
    """Black and white points side by side are half as bright as white: 188 of 255, and not 128."""
    board = (np.indices((600, 600)).sum(axis=0) % 2).astype(np.float32)
    small = no_longer(np.repeat(board[..., None], 3, axis=2), 100)
    assert np.abs(small[10:-10, 10:-10] - srgb_encode(np.float32(0.5))).max() < 0.005


@pytest.mark.parametrize("scale", [1.3, 2, 3, 4.7])
def test_no_black_ring_is_around_a_lamp(scale: float) -> None:
    y, x = np.mgrid[0:600, 0:600]
    lamp = np.where((y - 300) ** 2 + (x - 300) ** 2 < 60**2, 1.0, 0.1).astype(np.float32)
    small = no_longer(np.repeat(lamp[..., None], 3, axis=2), round(600 / scale))
    assert abs(float(small.min()) - 0.1) < 1e-5
    assert abs(float(small.max()) - 1) < 1e-5


@pytest.mark.parametrize(("frequency", "least", "most"), [(0.1, 0.98, 1.03), (0.25, 0.9, 1.03), (0.8, 0.0, 0.03)])
@pytest.mark.parametrize("axis", [0, 1])
def test_detail_stays_and_what_the_size_cannot_hold_goes(frequency: float, least, most, axis: int) -> None:
    """The share that is left of waves in light, by their number on a pixel of the smaller picture."""
    wave = 0.5 + 0.4 * np.cos(2 * np.pi * frequency * (np.arange(1200) + 0.5) / 3)
    picture = np.repeat(np.repeat(srgb_encode(wave)[None, :, None], 90, axis=0), 3, axis=2)
    small = srgb_decode(no_longer(picture if axis else picture.transpose(1, 0, 2), 400))
    line = (small if axis else small.transpose(1, 0, 2))[15, 40:-40, 1]
    assert least <= line.std() * np.sqrt(2) / 0.4 <= most


@pytest.mark.parametrize("long_side", [310, 700, 999])
def test_bands_leave_no_seam(long_side: int, monkeypatch) -> None:
    picture = np.random.default_rng(0).random((1000, 700, 3)).astype(np.float32)
    banded = no_longer(picture, long_side)
    monkeypatch.setattr(resizing, "BAND", 10_000)
    assert np.abs(banded - no_longer(picture, long_side)).max() < 1 / 1000


def test_memory_is_that_of_a_few_bands() -> None:
    picture = np.full((6000, 2000, 3), 0.5, dtype=np.float32)
    tracemalloc.start()
    try:
        no_longer(picture, 1000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < picture.nbytes / 3
