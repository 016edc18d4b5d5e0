import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.evaluation.methods.bm3d import denoise_mosaic, stabilise, unstabilise
from darkdiff_cli.raw import develop, read_raw
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.frame import RawFrame


def noisy(gain: float, sigma: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    clean = np.linspace(2, 400, 256)[None, :].repeat(256, 0)
    return clean, (rng.poisson(clean / gain) * gain + rng.normal(0, sigma, clean.shape)).astype(np.float32)


def test_stabilised_noise_has_unit_variance_and_comes_back_unbiased() -> None:
    clean, plane = noisy(2.0, 4.0)
    stable = stabilise(plane, 2.0, 16.0)
    assert stable[:, 100:].std(axis=0).mean() == pytest.approx(1.0, abs=0.05)
    back = unstabilise(stable.mean(axis=0, keepdims=True), 2.0, 16.0)
    assert np.abs(back - clean[:1])[:, 30:].mean() < 1.5


def test_a_mosaic_comes_out_cleaner_and_keeps_its_form(dark_dng) -> None:
    frame = read_raw(dark_dng)
    rng = np.random.default_rng(0)
    clean = RawFrame(
        np.full((96, 96), 700.0), Cfa.bayer("RGGB"), BlackLevel.uniform(512.0), 16383.0, frame.white_balance
    )
    dark = RawFrame(
        (rng.poisson(188.0, (96, 96)) + 512).astype(np.uint16),
        Cfa.bayer("RGGB"),
        BlackLevel.uniform(512.0),
        16383.0,
        frame.white_balance,
    )
    before, after = (develop(f, 10.0).pixels - develop(clean, 10.0).pixels for f in (dark, denoise_mosaic(dark)))
    assert after.std() < 0.35 * before.std()
    assert abs(after.mean()) < 0.02 * develop(clean, 10.0).pixels.mean()
    assert dark.mosaic_dn.dtype == np.uint16
