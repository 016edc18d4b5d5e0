"""The DNG of a DNG keeps the camera's own colours: both lights, calibrations, forward matrices.

The converter is written here by chapter 6 of DNG 1.7.1.0, "Mapping Camera Color Space to CIE XYZ Space".
"""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import tifffile
from skimage.color import deltaE_ciede2000, xyz2lab

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.colour import illuminant_xyz
from darkdiff_cli.photo import PhotoSettings, Provenance, write_photo
from darkdiff_cli.photo.spaces import D50, adaptation, xyz
from darkdiff_cli.raw import RawFrame, develop, read_raw
from darkdiff_cli.raw.dng_tags import DngTags, read_dng_tags
from darkdiff_cli.raw.rendering import render_linear
from darkdiff_cli.raw.white_balance import camera_colours, light_balance
from darkdiff_cli.synthesis import Sensor, unprocess
from darkdiff_cli.synthesis import write_dng as write_raw

LIGHTS = (2856.0, 4000.0, 9000.0)  # kelvin
WARM = 2856.0  # kelvin of CIE illuminant A
BLOCK = 8  # pixels
CARRIED = (50708, 50721, 50722, 50723, 50724, 50727, 50728, 50778, 50779, 50931, 50932, 50964, 50965)
TEXTS = (50708, 50931, 50932)
REAL = "raws/ok/photoprism_canon_eos_6d.dng"


def rationals(values: np.ndarray) -> tuple[int, ...]:
    return tuple(
        n for value in np.ravel(values) for n in Fraction(float(value)).limit_denominator(10_000).as_integer_ratio()
    )


def forward(matrix: np.ndarray, kelvin: float) -> np.ndarray:
    """A ForwardMatrix: what is white in the light becomes D50's white; redder than the ColorMatrix makes it."""
    white = illuminant_xyz(kelvin)
    plain = adaptation(white, xyz(D50)) @ np.linalg.inv(matrix) @ np.diag(matrix @ white)
    return plain @ np.array([[1.1, -0.06, -0.04], [0.02, 0.98, 0.0], [-0.02, -0.02, 1.04]])


@pytest.fixture
def source(photograph, sensor: Sensor, capture: CaptureMetadata, tmp_path: Path) -> RawFrame:
    """A clean raw, as a converter writes it: two lights, calibrations of this very camera, an analog balance."""
    daylight = sensor.camera_from_xyz
    warm = daylight @ np.array([[1.2, -0.1, 0.05], [0.05, 0.95, 0.0], [0.0, 0.1, 0.75]])
    own = np.array([[1.06, 0.02, -0.01], [0.01, 1.0, 0.02], [0.0, -0.03, 0.93]])
    tags = [
        (50722, "2i", 9, rationals(warm), True), (50779, "H", 1, 17, True),
        (50723, "2i", 9, rationals(own), True), (50724, "2i", 9, rationals(own), True),
        (50727, "2I", 3, rationals(np.array([1.25, 1.0, 0.9])), True),
        (50931, "s", 0, "bench 7", True), (50932, "s", 0, "bench 7", True),
        (50964, "2i", 9, rationals(forward(daylight, 6504)), True),
        (50965, "2i", 9, rationals(forward(warm, WARM)), True),
    ]  # fmt: skip
    path = tmp_path / "source.dng"
    large = photograph.repeat(4, axis=0).repeat(4, axis=1)
    write_raw(path, np.rint(unprocess(large, sensor)).astype(np.uint16), sensor, capture, more=tags)
    return read_raw(path)


def written(path: Path, frame: RawFrame) -> Path:
    """The DNG of a picture that is right."""
    picture, settings = render_linear(develop(frame)), PhotoSettings("dng", 16, overwrite=True)
    write_photo(path, picture, frame.metadata, Provenance({"seed": 7}), settings, camera_colours(frame))
    return path


def tags_of(path: Path) -> DngTags:
    tags = read_dng_tags(path)
    assert tags is not None
    return tags


def sensor_light(path: Path) -> np.ndarray:
    """(h, w, 3) what the sensor counts, of saturation; of our files, BaselineExposure undoes what scaled them."""
    frame, ours = read_raw(path), "darkdiff" in tags_of(path).values.get(50936, ())
    stops = float(tags_of(path).numbers(50730)[0]) if ours else 0.0
    return develop(replace(frame, white_balance=(1.0, 1.0, 1.0)), 1.0, "camera").pixels * 2**stops


def converted(path: Path, neutral: np.ndarray, kelvin: float, profile: DngTags) -> np.ndarray:
    """(rows, columns, 3) CIE Lab of blocks: the file in a light, by a profile and the calibration that the file has."""
    own = tags_of(path)
    share = np.clip((1 / kelvin - 1 / WARM) / (1 / 6504 - 1 / WARM), 0, 1)

    def between(tags: DngTags, first: int, second: int) -> np.ndarray:
        one, two = (tags.numbers(code).reshape(-1, 3) for code in (first, second))
        return share * one + (1 - share) * two if two.size else one

    calibrated = own.values.get(50931) == profile.values.get(50932)  # the two signatures
    calibration = between(own, 50723, 50724) if calibrated and 50723 in own.values else np.eye(3)
    analog = own.numbers(50727) if 50727 in own.values else np.ones(3)
    camera = np.linalg.inv(np.diag(analog) @ calibration)
    to_d50 = between(profile, 50964, 50965) @ np.diag(1 / (camera @ neutral)) @ camera
    light = sensor_light(path)
    high, wide = (length // BLOCK for length in light.shape[:2])
    blocks = light[: high * BLOCK, : wide * BLOCK].reshape(high, BLOCK, wide, BLOCK, 3).mean(axis=(1, 3))
    return xyz2lab(np.clip(blocks @ to_d50.T, 0, None), "D50")


def test_the_tags_are_those_of_the_raw(source: RawFrame, tmp_path: Path) -> None:
    ours, raws = tags_of(written(tmp_path / "a.dng", source)), tags_of(source.path)
    for code in CARRIED:
        if code in TEXTS:
            assert ours.values[code] == raws.values[code], code
        else:
            assert ours.numbers(code) == pytest.approx(raws.numbers(code)), code
    assert ours.values[50706] == (1, bytes((1, 4, 0, 0)))


@pytest.mark.parametrize("kelvin", LIGHTS)
def test_a_converter_sees_the_same_colours_in_any_light(kelvin: float, source: RawFrame, tmp_path: Path) -> None:
    """By the profile inside the file, and by one of the camera that the converter has: the raw's own here."""
    path, profile = written(tmp_path / "a.dng", source), tags_of(source.path)
    neutral = 1 / np.array(light_balance(source, kelvin))
    expected = converted(source.path, neutral, kelvin, profile)
    for used in (tags_of(path), profile):
        assert deltaE_ciede2000(converted(path, neutral, kelvin, used), expected).max() < 1


@pytest.mark.parametrize("kelvin", LIGHTS)
def test_a_real_raw_keeps_its_colours(kelvin: float, shared: Path, tmp_path: Path) -> None:
    """Where they are in sRGB, the picture's space."""
    frame = read_raw(shared / REAL)
    path, profile = written(tmp_path / "a.dng", frame), tags_of(shared / REAL)
    neutral = 1 / np.array(light_balance(frame, kelvin))
    differ = deltaE_ciede2000(
        converted(path, neutral, kelvin, tags_of(path)), converted(frame.path, neutral, kelvin, profile)
    )
    light = develop(frame).pixels
    outside = ((light < 0) | (light > 1)).any(axis=-1)
    high, wide = differ.shape
    inside = ~outside[: high * BLOCK, : wide * BLOCK].reshape(high, BLOCK, wide, BLOCK).any(axis=(1, 3))
    assert inside.mean() > 0.3
    assert differ[inside].max() < 0.1


def test_our_reader_finds_the_camera_again(source: RawFrame, tmp_path: Path) -> None:
    found = read_raw(written(tmp_path / "a.dng", source))
    assert found.white_balance == pytest.approx(source.white_balance, rel=1e-5)
    assert found.srgb_from_camera == pytest.approx(source.srgb_from_camera, abs=1e-6)
    for kelvin in LIGHTS:
        assert light_balance(found, kelvin) == pytest.approx(light_balance(source, kelvin), rel=1e-6)


def test_a_third_light_is_dng_1_6(source: RawFrame, tmp_path: Path) -> None:
    third = {52529: (3, 23), 52531: source.dng.values[50721]}
    frame = replace(source, dng=DngTags({**source.dng.values, **third}))
    found = tags_of(written(tmp_path / "a.dng", frame))
    assert found.values[50706] == (1, bytes((1, 6, 0, 0)))
    assert {code: found.values[code] for code in third} == third


@pytest.mark.parametrize("lost", ["dng", "matrix"])
def test_what_a_raw_does_not_say_is_written_as_it_is_known(lost: str, source: RawFrame, tmp_path: Path) -> None:
    """No DNG; or one whose matrix is not the one in use: one matrix, for D65, and nothing of a second light."""
    frame = replace(source, dng=None) if lost == "dng" else replace(source, sources={"matrix": "LibRaw"})
    with tifffile.TiffFile(written(tmp_path / "a.dng", frame)) as tiff:
        tags = tiff.pages.first.tags
        named = "Sony ILCE-7SM2" if lost == "dng" else "ILCE-7SM2"  # the raw's own UniqueCameraModel stays
        assert (tags[50708].value, tags[50778].value) == (named, 21)
        assert not {50722, 50723, 50724, 50727, 50779, 50931, 50932, 50964, 50965} & set(tags.keys())
