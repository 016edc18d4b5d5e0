"""The bundled model does what it is bundled for."""

from pathlib import Path

import numpy as np
import pytest
import torch

import darkdiff_models
from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import srgb_from_camera
from darkdiff_cli.raw import RawFrame, develop
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.rendering import render_linear
from darkdiff_cli.synthesis import SensorNoise, expose, unprocess
from darkdiff_models import DarkDiffPipeline
from darkdiff_models.checkpoints import load_pipeline
from darkdiff_models.finishing.block_light import block_light
from darkdiff_models.finishing.colour_anchor import anchor_colours
from darkdiff_models.tiling.planner import Plan
from darkdiff_models.tiling.tiled import TiledAutoencoder
from darkdiff_models.tiling.tiles import Tiles
from tests.conftest import psnr

FOLDER = Path(darkdiff_models.__file__).parent / "pretrained" / "tiny"


@pytest.fixture(scope="module")
def tiny() -> DarkDiffPipeline:
    return load_pipeline("tiny")


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """(160, 208, 3) sRGB: a sky, a wall with windows, a lamp."""
    y, _x = np.mgrid[0:160, 0:208].astype(np.float32)
    picture = np.stack([0.25 + 0.2 * y / 160, 0.3 + 0.15 * y / 160, 0.55 - 0.2 * y / 160], axis=-1)
    picture[60:150, 40:120] = (0.55, 0.42, 0.3)
    for top in range(70, 140, 20):
        for left in range(50, 110, 20):
            picture[top : top + 10, left : left + 10] = (0.85, 0.75, 0.4)
    picture[20:30, 160:170] = 0.97
    return picture.astype(np.float32)


def dark_lrgb(scene: np.ndarray, sensor, ratio: float):
    noise = SensorNoise(gain=1.0, shape=0.1, read_scale=1.2, row_scale=0.4)
    mosaic = expose(unprocess(scene, sensor), ratio, noise, sensor.black, sensor.white, np.random.default_rng(0))
    matrix = srgb_from_camera(sensor.camera_from_xyz)
    frame = RawFrame(
        mosaic, Cfa.bayer("RGGB"), BlackLevel.uniform(sensor.black), sensor.white, sensor.white_balance, matrix
    )
    return develop(frame, ratio, "srgb")


@pytest.mark.parametrize("ratio", [100.0, 300.0])
def test_enhanced_is_far_closer_to_the_scene_than_amplified(tiny, scene, sensor, ratio: float) -> None:
    lrgb = dark_lrgb(scene, sensor, ratio)
    enhanced = tiny(torch.from_numpy(lrgb.pixels)).srgb.numpy()
    assert psnr(enhanced, scene) > psnr(render_linear(lrgb), scene) + 5


@pytest.mark.parametrize("ratio", [100.0, 300.0])
def test_flat_areas_with_hard_edges_come_out_clean(tiny, scene, sensor, ratio: float) -> None:
    lrgb = dark_lrgb(scene, sensor, ratio)
    assert psnr(tiny(torch.from_numpy(lrgb.pixels)).srgb.numpy(), scene) > 33


def test_colours_of_large_areas_are_kept(tiny, scene, sensor) -> None:
    enhanced = tiny(torch.from_numpy(dark_lrgb(scene, sensor, 100.0).pixels)).srgb.numpy()
    sky, wall = (slice(5, 50), slice(5, 150)), (slice(142, 149), slice(45, 115))
    for area in (sky, wall):
        assert np.abs(enhanced[area].mean((0, 1)) - scene[area].mean((0, 1))).max() < 0.08


def test_a_well_exposed_raw_comes_out_as_it_is(tiny, scene, sensor) -> None:
    lrgb = dark_lrgb(scene, sensor, 1.0)
    assert psnr(tiny(torch.from_numpy(lrgb.pixels)).srgb.numpy(), scene) > 38


@pytest.mark.parametrize("level", [0.06, 0.1, 0.2])
def test_a_dark_wall_keeps_its_level_and_gets_no_texture(tiny, sensor, level: float) -> None:
    wall = np.full((160, 208, 3), level, dtype=np.float32)
    enhanced = tiny(torch.from_numpy(dark_lrgb(wall, sensor, 300.0).pixels)).srgb.numpy()
    assert np.abs(enhanced.mean((0, 1)) - level).max() < 0.03
    assert enhanced.std((0, 1)).max() < 0.03


@pytest.mark.parametrize("level", [0.5, 0.7, 0.85])
def test_a_bright_wall_stays_grey(tiny, sensor, level: float) -> None:
    wall = np.full((160, 208, 3), level, dtype=np.float32)
    enhanced = tiny(torch.from_numpy(dark_lrgb(wall, sensor, 300.0).pixels)).srgb.numpy()
    assert np.abs(enhanced.mean((0, 1)) - level).max() < 0.015


@torch.no_grad()
def test_latents_are_alive(tiny, scene, sensor) -> None:
    image = torch.from_numpy(dark_lrgb(scene, sensor, 300.0).pixels).permute(2, 0, 1)[None]
    encoding = tiny.vae.encode(image)
    with_latents = tiny.vae.decode(encoding.latents, encoding).clamp(0, 1)[0].permute(1, 2, 0).numpy()
    without = tiny.vae.decode(torch.zeros_like(encoding.latents), encoding).clamp(0, 1)[0].permute(1, 2, 0)
    assert psnr(with_latents, scene) > psnr(without.numpy(), scene) + 0.5


@torch.no_grad()
def test_autoencoder_tiles_change_little(tiny, sensor) -> None:
    """The upper tiles hold nothing but sky, the lower ones a city: what a night shot is made of. Anchored, as shown."""
    y, x = np.mgrid[0:512, 0:768].astype(np.float32)
    sky = np.stack([0.3 + 0.2 * x / 768, 0.35 + 0.2 * y / 512, 0.5 - 0.1 * x / 768], axis=-1).astype(np.float32)
    windows = np.random.default_rng(0).uniform(0, 0.9, (12, 48, 3)).astype(np.float32)
    sky[320:] = np.kron(windows, np.ones((16, 16, 1), dtype=np.float32))
    image = torch.from_numpy(dark_lrgb(sky, sensor, 100.0).pixels).permute(2, 0, 1)[None]
    light, pictures = block_light(image, tiny.vae.factor), []
    for tile in (256, 768):
        autoencoder = TiledAutoencoder(tiny.vae, image, Plan(Tiles.cover(512, 768, tile, 96, tiny.vae.factor), 1))
        pictures.append(anchor_colours(autoencoder.decode(autoencoder.encode()), light)[0].numpy())
    assert len(Tiles.cover(512, 768, 256, 96, tiny.vae.factor).corners) > 6
    tiled, whole = (picture[:, 16:304] for picture in pictures)
    assert 0 < np.abs(tiled - whole).max() < 0.05 * pictures[1].std()
    assert abs(tiled.std() / whole.std() - 1) < 0.02
    steps = np.abs(np.diff((tiled - whole).mean(axis=1), axis=1))  # a seam: a step from one column to the next
    assert steps.max() < 0.005


def test_model_is_small_and_carries_its_defaults(tiny) -> None:
    weights = list(FOLDER.rglob("*.safetensors"))
    assert len(weights) == 4
    assert sum(path.stat().st_size for path in weights) < 44_000_000
    assert tiny.config["lrgb_space"] == "srgb"
    assert (FOLDER / "README.md").is_file()
    assert (FOLDER / "recipe.yaml").is_file()
