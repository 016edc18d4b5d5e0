import dataclasses
from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import srgb_decode, srgb_encode, srgb_from_camera
from darkdiff_cli.raw import ExposureSettings, RawFrame, estimate_ratio, read_exposure, read_raw
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.exposure import exposed
from darkdiff_cli.synthesis import Sensor, SensorNoise, expose, unprocess

NOISE = SensorNoise(gain=1.0, shape=0.1, read_scale=1.0, row_scale=0.3)


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """A well-exposed scene, (160, 240, 3) sRGB: patches of all tones, from a shadow of 0.05 to a white cloud."""
    rng = np.random.default_rng(0)
    grey = np.kron(rng.beta(1.6, 2.0, (10, 15)), np.ones((16, 16))) * 0.95 + 0.05
    return np.repeat(grey[..., None], 3, axis=2).astype(np.float32)


def darken(scene: np.ndarray, ratio: float, sensor: Sensor, seed: int = 0) -> RawFrame:
    rng = np.random.default_rng(seed)
    mosaic = expose(unprocess(scene, sensor), ratio, NOISE, sensor.black, sensor.white, rng)
    matrix, black = srgb_from_camera(sensor.camera_from_xyz), BlackLevel.uniform(sensor.black)
    return RawFrame(mosaic, Cfa.bayer("RGGB"), black, sensor.white, sensor.white_balance, matrix)


def stops(ratio: float, truth: float) -> float:
    return abs(float(np.log2(ratio / truth)))


@pytest.mark.parametrize("ratio", [4.0, 30.0, 100.0, 250.0])
def test_missing_light_is_found(scene: np.ndarray, sensor: Sensor, ratio: float) -> None:
    assert stops(estimate_ratio(darken(scene, ratio, sensor)), ratio) < 0.4


def test_bright_frame_is_left_alone(scene: np.ndarray, sensor: Sensor) -> None:
    bright = srgb_encode(srgb_decode(scene) * 2.5)
    assert estimate_ratio(darken(bright, 1.0, sensor)) == 1.0


@pytest.mark.parametrize("ratio", [1.0, 20.0, 100.0])
@pytest.mark.parametrize("kept", ["circle", "moon", "letterbox"])
def test_black_surroundings_do_not_count(scene: np.ndarray, sensor: Sensor, kept: str, ratio: float) -> None:
    y, x = np.mgrid[0:160, 0:240]
    distance = np.hypot(y - 80, x - 120)
    mask = {"circle": distance < 76, "moon": distance < 34, "letterbox": abs(y - 80) < 40}[kept]
    plain = estimate_ratio(darken(scene, ratio, sensor))
    assert stops(estimate_ratio(darken(scene * mask[..., None], ratio, sensor)), max(plain, ratio)) < 0.8


def test_street_lamps_do_not_count(scene: np.ndarray, sensor: Sensor) -> None:
    frame = darken(scene, 100.0, sensor)
    mosaic = frame.mosaic_dn.copy()
    mosaic[20:40, 30:60] = mosaic[100:120, 300:330] = 16383
    lit = dataclasses.replace(frame, mosaic_dn=mosaic)
    assert stops(estimate_ratio(lit), estimate_ratio(frame)) < 0.3


@pytest.mark.parametrize(("error", "allowed"), [(0.25, 0.2), (-0.25, 0.2), (1.0, 0.5)])
def test_wrong_black_level_bends_but_does_not_break(
    scene: np.ndarray, sensor: Sensor, error: float, allowed: float
) -> None:
    frame = darken(scene, 100.0, sensor)
    shifted = dataclasses.replace(frame, black_level=BlackLevel.uniform(sensor.black + error))
    assert stops(estimate_ratio(shifted), estimate_ratio(frame)) < allowed


def test_a_wrong_black_level_does_not_light_the_surroundings(scene: np.ndarray, sensor: Sensor) -> None:
    moon = scene * (np.hypot(*(np.mgrid[0:160, 0:240] - np.array([[[80]], [[120]]]))) < 34)[..., None]
    frame = darken(moon, 20.0, sensor)
    shifted = dataclasses.replace(frame, black_level=BlackLevel.uniform(sensor.black - 0.25))
    assert stops(estimate_ratio(shifted), estimate_ratio(frame)) < 0.2


def test_black_frame_asks_for_no_more_than_the_limit(sensor: Sensor) -> None:
    assert estimate_ratio(darken(np.zeros((64, 64, 3), np.float32), 300.0, sensor)) == 300.0


@pytest.mark.parametrize(
    ("light", "words"),
    [(1 / 300, None), (1 / 2000, "it is darker than x300 makes up for"), (0.0, "nothing in it stands")],
)
def test_a_photo_that_stays_dark_gets_a_word(
    scene: np.ndarray, sensor: Sensor, light: float, words: str | None
) -> None:
    """Its levels may be wrong, or the lens was covered."""
    frame = darken(scene * float(light > 0), 1 / light if light else 300.0, sensor)
    exposure = exposed(frame, ExposureSettings(), 1, None)
    assert exposure.ratio == 300.0 or words is None
    assert [note.startswith(words or "") for note in exposure.frame.notes] == [True] * (words is not None)
    assert exposed(frame, ExposureSettings(ratio=300.0), 1, None).frame.notes == ()


def test_development_scenes_within_a_stop_and_a_bit(shared: Path) -> None:
    """None of them was learnt from."""
    for path in sorted((shared / "scenes_dev").glob("*_x100.dng")):
        assert stops(estimate_ratio(read_raw(path)), 100.0) < 1.2, path.name


FIELD = {
    "reference_full_x100": (92, 0.05),
    "active_x100": (92, 0.05),
    "reference_mcm12_x100": (92, 0.05),
    "black8x8": (93, 0.05),
    "black4x4": (93, 0.05),
    "deltaV": (93, 0.05),
    "deltaH": (93, 0.05),
    "float32_black": (94, 0.05),
    "reference_even_diff": (180, 0.05),
    "odd_diff": (180, 0.05),
    "oddleft_diff": (180, 0.05),
    "ob_bad150": (260, 0.05),
    "ob_bad1000": (260, 0.05),
    "reference_noclip": (230, 0.05),
    "reference_wall": (25, 0.05),
    "fish200_x20": (21.5, 0.17),
    "fish200_x1": (1.5, 0.34),
    "moon_x1": (1.0, 0.1),
}
"""Raws of `field` whose ratio is known, and the relative error allowed."""


@pytest.mark.parametrize("name", FIELD)
def test_field_raws_get_their_ratio(shared: Path, name: str) -> None:
    path = shared / "raws" / "field" / f"{name}.dng"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    ratio, allowed = FIELD[name]
    assert read_exposure(path, ExposureSettings()).ratio == pytest.approx(ratio, rel=allowed)
