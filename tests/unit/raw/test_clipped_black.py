"""The light that a camera adds by clipping its noise at zero is taken out again."""

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw import RawFrame
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.censored_noise import CensoredNoise
from darkdiff_cli.raw.clipped_black import without_clipped_noise
from darkdiff_cli.raw.settings import ExposureSettings

RGGB = Cfa.bayer("RGGB")
SIZE = 384


def scene(read: float, gain: float, cfa: Cfa = RGGB, darkest: float = 0.0, seed: int = 0) -> np.ndarray:
    """Light in DN above black with its noise, in whole DN: dark at the left, four noises bright at the right."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 1, SIZE)[None, :].repeat(SIZE, 0)
    clean = darkest + (3 * read + 12 * gain) * x**2 * cfa.spread(
        tuple((0.7, 1.0, 0.35)[site.colour] for site in cfa.sites), (SIZE, SIZE)
    )
    return np.rint(rng.poisson(clean / gain) * gain + rng.normal(0, read, clean.shape))


def frame(mosaic: np.ndarray, black: float = 0.0, cfa: Cfa | None = RGGB) -> RawFrame:
    return RawFrame(mosaic, cfa, BlackLevel.uniform(black), 4095.0, (2.0, 1.0, 1.5))


def block_means(frame: RawFrame, site, side: int = 32) -> np.ndarray:
    plane = frame.cfa.plane(frame.light_dn(), site)
    return plane.reshape(plane.shape[0] // side, side, -1, side).mean(axis=(1, 3))


@pytest.mark.parametrize(
    ("read", "gain", "pedestal"),
    [(5.0, 3.0, 0), (4.0, 1.0, 0), (3.0, 0.1, 0), (1.2, 0.5, 0), (5.0, 3.0, 1), (3.0, 0.1, 1)],
)
def test_block_means_are_those_of_noise_that_was_not_clipped(read: float, gain: float, pedestal: int) -> None:
    whole = scene(read, gain) + pedestal
    clipped = np.maximum(whole, 0).astype(np.uint16)
    before, twin = frame(clipped, pedestal), frame(whole, pedestal)
    after = without_clipped_noise(before, ExposureSettings())
    for site in RGGB.sites:
        truth = block_means(twin, site)
        bias = np.mean((block_means(before, site) - truth)[:, 0])
        left = block_means(after, site) - truth
        assert bias > (0.3 if pedestal == 0 else 0.08) * read
        assert abs(left[:, 0].mean()) < 0.04 * read  # the darkest blocks
        assert np.abs(left).max() < 0.15 * read
        assert abs(left.mean()) < 0.03 * read


def test_levels_and_bright_pixels_stay() -> None:
    clipped = np.maximum(scene(4.0, 1.0), 0).astype(np.uint16)
    after = without_clipped_noise(frame(clipped), ExposureSettings())
    assert (after.black_level, after.white_level) == (BlackLevel.uniform(0.0), 4095.0)
    assert after.mosaic_dn.dtype == np.float32
    assert np.abs(after.mosaic_dn - clipped)[0::2, -16:].max() < 0.05


def test_xtrans_and_three_samples() -> None:
    xtrans = Cfa(("GGRGGB", "GGBGGR", "BRGRBG", "GGBGGR", "GGRGGB", "RBGBRG"))
    whole = scene(4.0, 1.0, xtrans)
    samples = np.stack([scene(4.0, 1.0, Cfa(("G",)), seed=seed) for seed in range(3)], axis=-1)
    for mosaic, cfa in ((whole, xtrans), (samples, None)):
        after = without_clipped_noise(frame(np.maximum(mosaic, 0).astype(np.uint16), cfa=cfa), ExposureSettings())
        assert (np.maximum(mosaic, 0) - mosaic)[:, :96].mean() > 1.2
        assert abs((after.light_dn() - mosaic)[:, :96].mean()) < 0.15
        assert abs((after.light_dn() - mosaic).mean()) < 0.1


def pictures() -> dict[str, RawFrame]:
    noisy, clean = scene(4.0, 1.0), np.linspace(0, 90, SIZE)[None].repeat(SIZE, 0)
    hot = noisy + 512
    hot[np.random.default_rng(1).random(hot.shape) < 2e-3] = 0
    circle = np.where(np.hypot(*(np.mgrid[:SIZE, :SIZE] / SIZE - 0.5)) < 0.4, clean + 10, 0)
    return {
        "whole": frame(noisy + 512, 512.0),
        "dead pixels": frame(hot, 512.0),
        "no noise": frame(np.rint(clean).astype(np.uint16), 0.0),
        "black around a clean picture": frame(np.rint(circle).astype(np.uint16), 0.0),
        "coarse steps": frame((np.maximum(np.rint(noisy / 24), 0) * 24 + 510).astype(np.uint16), 512.0),
        "noise below the steps": frame(np.maximum(scene(0.3, 0.05), 0).astype(np.uint16), 0.0),
        "far above black": frame(np.maximum(noisy, 0).astype(np.uint16) + 600, 512.0),
        "all the same": frame(np.full((SIZE, SIZE), 7), 0.0),
    }


@pytest.mark.parametrize("name", pictures())
def test_what_was_not_clipped_is_not_touched(name: str) -> None:
    before = pictures()[name]
    assert without_clipped_noise(before, ExposureSettings()) is before


@pytest.mark.parametrize(("read", "gain"), [(5.0, 6.0), (4.0, 1.0), (3.0, 0.3)])
@pytest.mark.parametrize("light", [0.0, 1.0, 5.0, 10.0])
def test_censored_noise_has_the_moments_of_drawn_noise(read: float, gain: float, light: float) -> None:
    rng = np.random.default_rng(0)
    drawn = np.maximum(np.rint(rng.poisson(light / gain, 400_000) * gain + rng.normal(0, read, 400_000)), 0)
    noise, share = CensoredNoise(read, gain, 0.5), np.array([np.mean(drawn == 0)])
    assert noise.mean(share)[0] == pytest.approx(drawn.mean(), abs=0.05)
    assert drawn.mean() - noise.bias(share)[0] == pytest.approx(light, abs=0.05)
    assert noise.change(np.array([drawn.mean()]))[0] == pytest.approx(np.abs(np.diff(drawn)).mean(), abs=0.06)
