"""Colours outside sRGB, from the networks' picture to what is read back from the files that can hold them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from darkdiff_cli.colour import srgb_encode
from darkdiff_cli.enhancer import Enhancer, EnhanceSettings, Rendered
from darkdiff_cli.formats import Colour, Format
from darkdiff_cli.photo import PhotoSettings
from darkdiff_cli.photo.spaces import SPACES
from darkdiff_cli.raw import Exposure, ExposureSettings, develop, read_raw
from darkdiff_models import DarkDiffOutput, SamplingSettings
from darkdiff_models.tiling.planner import Plan
from darkdiff_models.tiling.tiles import Tiles
from tests.conftest import make_pipeline
from tests.unit.raw.test_outside_srgb import exposed

DEEP, GREY = (0.5, -0.06, 0.02), (0.5, 0.5, 0.5)  # linear sRGB: a red that sRGB does not have
HIGH, WIDE = 96, 128  # pixels; the red is at the left, in the lower half
RED, REST = (slice(60, 88), slice(8, 56)), (slice(8, 36), slice(72, 120))


@pytest.fixture(scope="module")
def enhancer() -> Enhancer:
    return Enhancer("toy", "cpu", pipeline=make_pipeline())


def finished(enhancer: Enhancer, settings: EnhanceSettings, orientation: int = 1) -> Rendered:
    """Of networks whose picture is right, as far as sRGB goes."""
    light = np.full((HIGH, WIDE, 3), GREY, np.float32)
    light[HIGH // 2 :, : WIDE // 2] = DEEP
    frame = replace(exposed(light, 20.0), orientation=orientation)
    sampling, plan = enhancer.pipeline.resolved(SamplingSettings()), Plan(Tiles.cover(64, 64, 64, 16), 1)
    made = DarkDiffOutput(torch.from_numpy(srgb_encode(light)), sampling, plan)
    return enhancer.finish(Exposure(frame, 20.0), made, settings)


def written(enhancer: Enhancer, path: Path, photo: PhotoSettings, orientation: int = 1, strength: float = 1.0) -> Path:
    settings = EnhanceSettings(ExposureSettings(20.0, strength=strength), SamplingSettings(), photo)
    enhancer.write(path, finished(enhancer, settings, orientation), settings)
    return path


def means(values: np.ndarray) -> list[np.ndarray]:
    return [values[area].mean(axis=(0, 1)) for area in (RED, REST)]


def in_space(colour: Colour, light: tuple[float, ...]) -> np.ndarray:
    return SPACES[colour].from_srgb() @ np.array(light)


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("colour", ["srgb", "rec2020"])
def test_floats_keep_them(colour: Colour, orientation: int, enhancer: Enhancer, tmp_path: Path) -> None:
    path = written(enhancer, tmp_path / "a.tif", PhotoSettings("tiff", 32, colour=colour), orientation)
    light = tifffile.imread(path)
    if orientation == 6:  # turned back
        light = np.rot90(light)
    red, rest = means(light)
    assert red == pytest.approx(in_space(colour, DEEP), abs=0.01)
    assert rest == pytest.approx(in_space(colour, GREY), abs=1e-4)


def test_a_wider_space_keeps_them(enhancer: Enhancer, tmp_path: Path) -> None:
    path = written(enhancer, tmp_path / "a.tif", PhotoSettings("tiff", 16, colour="prophoto"))
    red, rest = means(tifffile.imread(path) / 65535)
    for found, light in ((red, DEEP), (rest, GREY)):
        assert found == pytest.approx(SPACES["prophoto"].curve.encode(in_space("prophoto", light)), abs=0.01)


def test_openexr_keeps_them(enhancer: Enhancer, tmp_path: Path) -> None:
    exr = pytest.importorskip("OpenEXR")
    path = written(enhancer, tmp_path / "a.exr", PhotoSettings("exr", 16))
    with exr.File(str(path)) as file:
        red, rest = means(file.channels()["RGB"].pixels.astype(np.float32))
    assert red == pytest.approx(DEEP, abs=0.01)
    assert rest == pytest.approx(GREY, abs=1e-3)


def test_grain_is_no_colour(enhancer: Enhancer) -> None:
    """What is outside is measured on the picture without it: the darkest grains are no deeper colours."""
    photo, found = PhotoSettings("dng", 16), []
    for strength in (1.0, 0.3):
        settings = EnhanceSettings(ExposureSettings(20.0, strength=strength), SamplingSettings(), photo)
        found.append(finished(enhancer, settings).outside)
    assert found[0].below.min() < -0.1
    assert np.array_equal(found[0].below, found[1].below)


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_a_dng_is_what_the_sensor_saw(strength: float, enhancer: Enhancer, tmp_path: Path) -> None:
    path = written(enhancer, tmp_path / "a.dng", PhotoSettings("dng", 16), strength=strength)
    red, rest = means(develop(read_raw(path)).pixels)
    assert red == pytest.approx(DEEP, abs=0.012)
    assert rest == pytest.approx(GREY, abs=3e-3)


@pytest.mark.parametrize(("kind", "depth"), [("jpeg", 8), ("tiff", 16)])
def test_srgb_stays_the_networks_picture(kind: Format, depth: int, enhancer: Enhancer, tmp_path: Path) -> None:
    path = written(enhancer, tmp_path / f"a.{kind}", PhotoSettings(kind, depth))
    values = np.asarray(Image.open(path)) / 255 if depth == 8 else tifffile.imread(path) / 65535
    red, rest = means(values)
    assert red == pytest.approx(srgb_encode(np.array(DEEP)), abs=2 / 255)
    assert rest == pytest.approx(srgb_encode(np.array(GREY)), abs=1 / 255)
