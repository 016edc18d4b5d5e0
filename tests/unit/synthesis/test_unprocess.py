import numpy as np

from darkdiff_cli.synthesis import random_sensor, unprocess


def test_same_seed_draws_the_same_sensor() -> None:
    first, second = (random_sensor(np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first.camera_from_xyz, second.camera_from_xyz)
    assert first.white_balance == second.white_balance


def test_each_pixel_is_one_quad_within_the_levels(photograph: np.ndarray, sensor) -> None:
    mosaic = unprocess(photograph, sensor)
    assert mosaic.shape == (80, 112)
    assert sensor.black <= mosaic.min() < mosaic.max() <= sensor.white


def test_exposure_scales_the_light(photograph: np.ndarray, sensor) -> None:
    half, full = (unprocess(photograph, sensor, exposure) - sensor.black for exposure in (0.5, 1.0))
    assert np.allclose(half, full / 2, atol=1e-2)
