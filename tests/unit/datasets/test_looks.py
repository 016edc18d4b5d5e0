import numpy as np
import pytest

from darkdiff_cli.colour import srgb_decode
from darkdiff_cli.datasets.looks import grainy, softened


def test_a_softened_picture_keeps_its_light_and_loses_its_detail() -> None:
    sharp = np.random.default_rng(0).random((64, 64, 3), dtype=np.float32)
    soft = softened(sharp, 4.0)
    assert soft.dtype == np.float32
    np.testing.assert_allclose(srgb_decode(soft).mean(axis=(0, 1)), srgb_decode(sharp).mean(axis=(0, 1)), rtol=0.01)
    assert soft.std() < 0.1 * sharp.std()
    assert np.abs(softened(sharp, 0.0) - sharp).max() < 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_grain_has_its_strength_in_mid_grey_and_is_gone_in_black_and_white(seed: int) -> None:
    levels = np.repeat(np.float32([0.0, 0.5, 0.9, 1.0]), 64)
    flat = np.broadcast_to(levels[None, :, None], (256, 256, 3)).copy()
    difference = grainy(flat, 0.02, np.random.default_rng(seed)) - flat
    black, grey, light, white = (difference[:, start : start + 64] for start in (0, 64, 128, 192))
    assert np.abs(black).max() == np.abs(white).max() == 0
    assert grey.std() == pytest.approx(0.02, rel=0.05)
    assert light.std() == pytest.approx(0.02 * 0.6, rel=0.05)
    assert abs(grey.mean()) < 1e-3


def test_some_grain_is_grey_and_some_has_colours() -> None:
    flat = np.full((128, 128, 3), 0.5, np.float32)
    alike = []
    for seed in range(12):
        difference = grainy(flat, 0.02, np.random.default_rng(seed)) - flat
        alike.append(np.corrcoef(difference[..., 0].ravel(), difference[..., 1].ravel())[0, 1])
    assert min(alike) < 0.3
    assert max(alike) > 0.7
