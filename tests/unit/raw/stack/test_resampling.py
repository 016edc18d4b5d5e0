from dataclasses import replace

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw.stack.resampling import ALIKE, POWER, STEPS, TILE, interpolation, shifted
from darkdiff_cli.synthesis import Sensor, mosaic_of
from tests.unit.raw.stack.bursts import FILTERS, scene

INNER = np.s_[12:-12, 12:-12]


def everywhere(shift, shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(np.array(shift, float), (-(-shape[0] // TILE), -(-shape[1] // TILE), 2))


def light_of(cfa: Cfa, shift=(0.0, 0.0)) -> np.ndarray:
    """The scene in white-balanced light, as one colour at each photosite."""
    return mosaic_of(scene(shift) / np.float32([0.5, 1.0, 0.6]), cfa, 0.0, 1.0)


@pytest.mark.parametrize("cfa", FILTERS)
def test_a_shift_by_whole_patterns_gives_the_photosites_themselves(cfa: str) -> None:
    light = np.random.default_rng(0).standard_normal((96, 120)).astype(np.float32)
    found = shifted(light, FILTERS[cfa], everywhere((6, -12), light.shape))
    assert np.array_equal(found.light[:90, 12:], light[6:, :108])
    assert found.seen[:90, 12:].all()
    assert not found.seen[90:].any() and not found.seen[:, :12].any()
    assert not found.light[~found.seen].any()


@pytest.mark.parametrize("cfa", FILTERS)
@pytest.mark.parametrize("shift", [(0.5, 0.5), (1.0, 0.0), (2.4375, -1.3125)])
def test_a_shifted_mosaic_is_that_of_the_scene(cfa: str, shift) -> None:
    still, moved = light_of(FILTERS[cfa]), light_of(FILTERS[cfa], shift)
    found = shifted(moved, FILTERS[cfa], everywhere(shift, still.shape))
    error = (found.light - still)[INNER]
    assert np.sqrt((error**2).mean()) < 0.06 * still.std()
    assert abs(error.mean()) < 1e-4


@pytest.mark.parametrize("cfa", FILTERS)
def test_each_colour_keeps_its_own_light(cfa: str) -> None:
    """Colours lend each other details, and nothing of their level."""
    levels = np.ones((96, 96, 3), np.float32) * np.float32([0.7, -0.2, 0.05])
    mosaic = mosaic_of(levels, FILTERS[cfa], 0.0, 1.0)
    found = shifted(mosaic, FILTERS[cfa], everywhere((0.5, 0.25), mosaic.shape))
    assert np.abs(found.light - mosaic)[:95, :95].max() < 1e-5


@pytest.mark.parametrize("cfa", FILTERS)
def test_noise_of_zero_mean_keeps_it_and_stays_negative(cfa: str) -> None:
    noise = np.random.default_rng(1).standard_normal((192, 192)).astype(np.float32)
    found = shifted(noise, FILTERS[cfa], everywhere((0.5, 1.5), noise.shape)).light[INNER]
    assert abs(found.mean() - noise[INNER].mean()) < 0.003
    assert 0.45 < (found < 0).mean() < 0.55
    assert found.std() < 1


def test_tiles_have_shifts_of_their_own(sensor: Sensor) -> None:
    mosaic = light_of(sensor.cfa)
    shifts = everywhere((0, 0), mosaic.shape).copy()
    shifts[1, 1] = 2, 4
    found = shifted(mosaic, sensor.cfa, shifts)
    assert np.array_equal(found.light[:TILE], mosaic[:TILE])
    second = np.s_[TILE : 2 * TILE - 2, TILE : 2 * TILE]
    assert np.array_equal(found.light[second], mosaic[TILE + 2 : 2 * TILE, TILE + 4 : 2 * TILE + 4])


def test_colours_lend_each_other_their_details(monkeypatch: pytest.MonkeyPatch, sensor: Sensor) -> None:
    from darkdiff_cli.raw.stack import resampling

    still, moved = light_of(sensor.cfa), light_of(sensor.cfa, (0.5, 0.5))
    errors = []
    for alike in (0.0, resampling.ALIKE):
        monkeypatch.setattr(resampling, "ALIKE", alike)
        resampling.interpolation.cache_clear()
        found = shifted(moved, sensor.cfa, everywhere((0.5, 0.5), still.shape))
        errors.append((found.light - still)[INNER].std())
    resampling.interpolation.cache_clear()
    assert errors[1] < 0.7 * errors[0]


def test_the_filter_may_begin_anywhere(sensor: Sensor) -> None:
    turned = replace(sensor, cfa=FILTERS["xtrans"].seen_from(2, 5)).cfa
    still, moved = light_of(turned), light_of(turned, (1.5, 0.0))
    found = shifted(moved, turned, everywhere((1.5, 0.0), still.shape))
    assert (found.light - still)[INNER].std() < 0.08 * still.std()


@pytest.mark.parametrize("cfa", FILTERS)
def test_the_error_to_expect_is_that_of_light_between_photosites(cfa: str, sensor: Sensor) -> None:
    """The mean square of the weights' sum less the light itself, by the covariance of such light."""
    cfa = FILTERS[cfa]
    for y, x in ((0, 0), (8, 8), (4, 0)):
        letter = cfa.pattern[1][2 % cfa.period[1]]
        found = interpolation(cfa, "RGB".index(letter), 1, 2, y, x)
        places = np.array([(tap.down, tap.across) for tap in found.taps])
        seen = [cfa.pattern[(1 + down) % cfa.period[0]][(2 + across) % cfa.period[1]] for down, across in places]
        places, seen = np.vstack([places, (y / STEPS, x / STEPS)]), np.array([*seen, letter])
        apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
        # How much light varies over the whole picture does not matter: weights of a colour add up to 1 or to 0.
        covariance = np.where(seen[:, None] == seen[None], 1.0, ALIKE) * (1000.0 - apart**POWER)
        weights = np.array([*(tap.weight for tap in found.taps), -1.0])
        assert weights @ covariance @ weights == pytest.approx(found.error, abs=1e-3)
        assert (found.error > 0.1) == bool(y or x)
