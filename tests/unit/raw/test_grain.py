"""`--strength`: the sensor's noise put back by its values."""

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import srgb_decode, srgb_encode
from darkdiff_cli.raw import RawFrame, develop, finish
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.synthesis import mosaic_of
from darkdiff_cli.synthesis.unprocess import XTRANS

BALANCE = (2.0, 1.0, 1.5)
MATRIX = np.array([[1.6, -0.4, -0.2], [-0.2, 1.5, -0.3], [0.0, -0.5, 1.5]])
BLACK, WHITE, RATIO = 64.0, 1064.0, 10.0


def seen(linear: np.ndarray, cfa: Cfa, noise: float = 0.0) -> RawFrame:
    """A dark raw of (H, W, 3) linear sRGB light, with noise in DN."""
    light = linear @ np.linalg.inv(MATRIX).T / np.array(BALANCE) / RATIO
    mosaic = mosaic_of(light.astype(np.float32), cfa, BLACK, WHITE)
    mosaic = mosaic + noise * np.random.default_rng(0).standard_normal(mosaic.shape)
    return RawFrame(mosaic.astype(np.float32), cfa, BlackLevel.uniform(BLACK), WHITE, BALANCE, MATRIX)


def photo(frame: RawFrame, picture: np.ndarray, strength: float) -> np.ndarray:
    return finish(picture, frame, RATIO, "file", strength).srgb_01


def grey(height: int, width: int, level: float = 0.2) -> np.ndarray:
    return np.full((height, width, 3), level, np.float32)


def test_all_of_the_noise_is_the_plain_rendering() -> None:
    frame = seen(grey(60, 80), Cfa.bayer("RGGB"), noise=5.0)
    picture = srgb_encode(grey(30, 40, 0.3))  # whatever the network made
    plain = srgb_encode(develop(frame, RATIO).pixels)
    np.testing.assert_allclose(photo(frame, picture, 0.0), plain, atol=1e-5)
    assert np.array_equal(photo(frame, picture, 1.0), picture)


@pytest.mark.parametrize("cfa", [Cfa.bayer("GBRG"), XTRANS], ids=["bayer", "x-trans"])
@pytest.mark.parametrize("size", [(60, 84), (61, 85)])
def test_detail_of_a_picture_that_is_right_stays_at_full_size(cfa: Cfa, size: tuple[int, int]) -> None:
    linear = np.random.default_rng(1).uniform(0.1, 0.5, (*size, 3)).astype(np.float32)
    picture = srgb_encode(linear)
    np.testing.assert_allclose(photo(seen(linear, cfa), picture, 0.0), picture, atol=2e-5)


@pytest.mark.parametrize("cfa", [Cfa.bayer("RGGB"), XTRANS], ids=["bayer", "x-trans"])
@pytest.mark.parametrize("size", [(60, 84), (120, 168)], ids=["half", "full"])
def test_half_the_strength_leaves_half_of_the_grain_a_quarter_of_its_colour_and_all_light(
    cfa: Cfa, size: tuple[int, int]
) -> None:
    frame, picture = seen(grey(120, 168), cfa, noise=3.0), srgb_encode(grey(*size))
    half, none = (srgb_decode(photo(frame, picture, strength)) - 0.2 for strength in (0.5, 0.0))
    luminance = [part @ [0.2126, 0.7152, 0.0722] for part in (half, none)]
    colour = [(part - own[..., None])[..., 2] for part, own in zip((half, none), luminance, strict=True)]
    assert luminance[1].std() > 0.005
    assert luminance[0].std() == pytest.approx(luminance[1].std() / 2, rel=0.02)
    assert colour[0].std() == pytest.approx(colour[1].std() / 4, rel=0.02)
    assert abs(float(none.mean())) < 0.002  # a veil would be brighter


def test_white_is_that_of_the_picture_without_its_grain() -> None:
    frame, picture = seen(grey(120, 168, 0.85), Cfa.bayer("RGGB"), noise=1.0), srgb_encode(grey(60, 84, 0.85))
    without, grained = (finish(picture, frame, RATIO, "auto", strength).srgb_01 for strength in (1.0, 0.9))
    assert float(srgb_decode(without).mean()) > 0.86
    assert float(srgb_decode(grained).mean()) == pytest.approx(float(srgb_decode(without).mean()), rel=0.01)
