"""Each setting of the synthesis by its value on flat frames."""

from dataclasses import replace

import numpy as np
import pytest

from darkdiff_cli.datasets import SynthesisSettings
from darkdiff_cli.datasets.darken import BLACK, WHITE, darken, log_uniform
from darkdiff_cli.raw import RawFrame
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.synthesis import Sensor

PLAIN = SynthesisSettings(
    ratio_range=(100.0, 100.0), bright_share=0.0, gain_range=(1.0, 1.0), black_error=0.0, row_noise=0.0
)


def flat(level: float, size: tuple[int, int], black: float = BLACK, white: float = WHITE) -> RawFrame:
    """A grey frame of one level, a share of the span from black to white."""
    cfa = Sensor(np.eye(3), (1.0, 1.0, 1.0)).cfa
    mosaic = np.full(size, black + level * (white - black))
    return RawFrame(mosaic, cfa, BlackLevel.uniform(black), white, (1.0, 1.0, 1.0))


def dark(frame: RawFrame, settings: SynthesisSettings, seed: int = 0) -> np.ndarray:
    """DN above black of the frame with too little light."""
    return darken(frame, settings, np.random.default_rng(seed))[0].mosaic_dn.astype(float) - BLACK


@pytest.mark.parametrize("end", [1e-3, 1.0, 320.0, 10_000.0])
def test_a_draw_between_equal_ends_is_the_end(end: float) -> None:
    assert log_uniform((end, end), np.random.default_rng(0)) == end


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_factor_scales_the_calibrated_row_noise(seed: int) -> None:
    """The same draws each time: what the rows of two frames differ by is row noise alone."""
    frame, noisy = flat(0.0, (64, 20_000)), replace(PLAIN, gain_range=(8.0, 8.0))
    none, half, whole = (dark(frame, replace(noisy, row_noise=f), seed).mean(axis=1) for f in (0.0, 0.5, 1.0))
    assert (whole - none).std() > 0.4
    assert np.allclose(half - none, 0.5 * (whole - none), atol=0.02)


def test_without_the_factor_rows_are_alike() -> None:
    for seed in range(5):
        frame = dark(flat(0.0, (64, 20_000)), PLAIN, seed)
        sites = frame.reshape(32, 2, 20_000).mean(axis=2)  # the black levels of the upper and the lower sites differ
        assert sites.std(axis=0).max() < 5 * frame.std() / np.sqrt(20_000)


def test_the_black_levels_error_has_its_deviation() -> None:
    frame = flat(0.0, (200, 200))
    shifts = [
        np.mean(dark(frame, replace(PLAIN, black_error=4.0), seed)) - np.mean(dark(frame, PLAIN, seed))
        for seed in range(150)
    ]
    assert np.std(shifts) == pytest.approx(4.0, rel=0.15)


@pytest.mark.parametrize("gain", [1.0, 8.0])
def test_the_gain_is_of_the_range(gain: float) -> None:
    """Shot noise of variance K times the signal, on top of what the same draws give without light."""
    settings = replace(PLAIN, ratio_range=(9.0, 9.0), gain_range=(gain, gain))
    signal, nothing = (dark(flat(level, (300, 300)), settings) for level in (0.9, 0.0))
    assert signal.mean() - nothing.mean() == pytest.approx(0.1 * (WHITE - BLACK), rel=0.005)
    assert signal.var() - nothing.var() == pytest.approx(gain * 0.1 * (WHITE - BLACK), rel=0.03)


def test_ratios_are_uniform_in_the_logarithm_and_a_share_of_them_is_small() -> None:
    settings = replace(PLAIN, ratio_range=(50.0, 200.0), bright_share=0.25)
    ratios = [darken(flat(0.0, (2, 2)), settings, np.random.default_rng(seed))[1] for seed in range(800)]
    bright, usual = np.log([r for r in ratios if r < 50]), np.log([r for r in ratios if r >= 50])
    assert len(bright) / len(ratios) == pytest.approx(0.25, abs=0.04)
    assert (bright.mean(), usual.mean()) == (
        pytest.approx(np.log(50.0) / 2, abs=0.15),
        pytest.approx(np.log(100.0), abs=0.06),
    )
    assert np.log(1.0) <= bright.min() < bright.max() < usual.max() <= np.log(200.0)


def test_all_cameras_take_part() -> None:
    """At one gain the cameras' read noise differs by more (0.6 in the logarithm) than any one's spreads (0.4)."""
    deviations = np.log([dark(flat(0.0, (40, 40)), PLAIN, seed).std() for seed in range(200)])
    assert deviations.std() > 0.5
