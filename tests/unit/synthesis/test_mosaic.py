import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.synthesis import Lens, Sensor, mosaic_of, random_lens, unprocess, with_random_filter
from darkdiff_cli.synthesis.noise import TYPICAL, SensorNoise, tukey_lambda, tukey_variance
from darkdiff_cli.synthesis.unprocess import XTRANS


def test_a_photosite_sees_its_own_colour_at_its_own_place(sensor: Sensor) -> None:
    light = np.arange(4 * 6 * 3, dtype=np.float32).reshape(4, 6, 3) / 100
    mosaic = (mosaic_of(light, sensor.cfa, sensor.black, sensor.white) - sensor.black) / (sensor.white - sensor.black)
    assert mosaic.shape == (4, 6)
    assert mosaic[0, 0] == pytest.approx(light[0, 0, 0], abs=1e-4)
    assert mosaic[0, 1] == pytest.approx(light[0, 1, 1], abs=1e-4)
    assert mosaic[3, 2] == pytest.approx(light[3, 2, 1], abs=1e-4)
    assert mosaic[3, 5] == pytest.approx(light[3, 5, 2], abs=1e-4)


def test_quads_see_one_point(sensor: Sensor, photograph: np.ndarray) -> None:
    quads = unprocess(photograph, sensor)
    assert quads.shape == (80, 112)
    assert (quads[0::2, 1::2] == quads[1::2, 0::2]).all()  # the two greens


def test_a_lens_keeps_the_light_and_moves_red_against_green() -> None:
    point = np.zeros((32, 32, 3), np.float32)
    point[16, 16] = 1.0
    seen = Lens(0.5, red=(0.0, 1.0), blue=(-2.0, 0.0)).through(point)
    assert seen.sum(axis=(0, 1)).tolist() == pytest.approx([1.0, 1.0, 1.0], abs=1e-3)
    places = [np.unravel_index(seen[..., colour].argmax(), (32, 32)) for colour in range(3)]
    assert places == [(16, 17), (16, 16), (14, 16)]
    assert seen[16, 16, 1] == pytest.approx(0.62, abs=0.03)  # a Gaussian of half a photosite, sampled


def test_half_of_the_lenses_keep_colours_in_register() -> None:
    rng = np.random.default_rng(0)
    lenses = [random_lens(rng) for _ in range(400)]
    assert sum(not any(lens.red) for lens in lenses) == pytest.approx(200, abs=40)
    assert max(np.hypot(*lens.red) for lens in lenses) <= 0.35
    assert (min(lens.blur for lens in lenses), max(lens.blur for lens in lenses)) == pytest.approx((0.3, 0.8), abs=0.02)


def test_filters_begin_anywhere(sensor: Sensor) -> None:
    rng = np.random.default_rng(0)
    drawn = [with_random_filter(sensor, rng, 0.5).cfa for _ in range(400)]
    bayer = {str(cfa) for cfa in drawn if cfa.period == (2, 2)}
    assert bayer == {"RGGB", "GRBG", "GBRG", "BGGR"}
    assert sum(cfa.period == (6, 6) for cfa in drawn) == pytest.approx(200, abs=40)
    assert all(cfa.seen_from(-row, -column) == XTRANS for cfa, row, column in [(XTRANS.seen_from(2, 5), 2, 5)])


@pytest.mark.parametrize("shape", [0.0, 0.14, -0.1, 0.3])
def test_the_read_noise_has_the_variance_that_is_told(shape: float) -> None:
    drawn = tukey_lambda(shape, (600, 600), np.random.default_rng(0))
    assert drawn.var() == pytest.approx(tukey_variance(shape), rel=0.03)
    noise = SensorNoise(gain=1.0, shape=shape, read_scale=2.0, row_scale=0.5, column_scale=0.25)
    assert noise.read_variance == pytest.approx(4 * tukey_variance(shape) + 0.25 + 0.0625 + 1 / 12)


def test_a_typical_camera_has_the_read_noise_of_the_profiles() -> None:
    slope, bias, _ = TYPICAL.read
    deviation = np.exp(slope * np.log(1.3) + bias) * tukey_variance(TYPICAL.shapes[0]) ** 0.5
    assert deviation == pytest.approx(8.7, rel=0.05)  # the profiles' median, at their median gain


def test_cfa_of_xtrans_holds_twenty_greens() -> None:
    assert [str(XTRANS).count(letter) for letter in "RGB"] == [8, 20, 8]
    assert XTRANS.seen_from(6, 6) == XTRANS == Cfa(XTRANS.pattern)
