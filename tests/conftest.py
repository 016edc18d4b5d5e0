"""Shared fixtures: small real things, made here, and the reference data where it lies beside the project."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from diffusers import DDIMScheduler
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.decoder import Decoder
from darkdiff_cli.synthesis import Sensor, SensorNoise, expose, unprocess, write_dng
from darkdiff_cli.synthesis.unprocess import CAMERA_MATRICES
from darkdiff_models import ContextProcessor, DarkDiffPipeline, DarkDiffUNet, ResidualAutoencoderKL
from tests.decoders import kept_decoders

DECODER = Decoder()
"""One for all tests of a process, where they need not bring it down; the first that reads a file starts it."""
SHARED = Path(__file__).resolve().parents[2] / "shared"
UNET_SHAPE = {
    "block_out_channels": (16, 32),
    "layers_per_block": 1,
    "attention_levels": (True, True),
    "num_heads": (2, 4),
    "cross_attention_dim": 24,
    "prompt_tokens": 3,
    "norm_num_groups": 8,
}


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    """Each test draws the same numbers, whichever tests ran before it, on however many processes."""
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _no_precision_yet() -> None:
    """Else that of the first training is that of all: bf16 where the hardware has it and a test asks for none."""
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(autouse=True)
def _kept_decoders() -> Iterator[None]:
    """Processes that decode raws outlive the commands that run in the tests' own process."""
    with kept_decoders():
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of reference data; tests that need it are skipped in a clone without it."""
    if not SHARED.is_dir():
        pytest.skip("the reference data (../shared) is not here")
    return SHARED


@pytest.fixture(scope="session")
def sensor() -> Sensor:
    """A Sony under warm light."""
    matrix = np.array(CAMERA_MATRICES["Sony ILCE-7SM2"]).reshape(3, 3) / 10_000.0
    return Sensor(camera_from_xyz=matrix, white_balance=(2.1, 1.0, 1.8))


@pytest.fixture(scope="session")
def photograph() -> np.ndarray:
    """(40, 56, 3) sRGB: smooth colour gradients, a bright and a dark square."""
    y, x = np.mgrid[0:40, 0:56].astype(np.float32)
    picture = np.stack([x / 56, y / 40, 0.5 + 0.3 * np.sin(x / 7)], axis=-1) * 0.7 + 0.1
    picture[5:12, 5:12] = 0.95
    picture[25:35, 30:45] = 0.05
    return picture.astype(np.float32)


@pytest.fixture(scope="session")
def capture() -> CaptureMetadata:
    """A shot with every field known."""
    return CaptureMetadata(
        make="Sony",
        model="ILCE-7SM2",
        lens="FE 55mm F1.8 ZA",
        exposure_time=1 / 30,
        aperture=1.8,
        iso=3200,
        focal_length=55.0,
        date="2024:01:02 03:04:05",
        gps={1: "N", 2: (48.0, 51.0, 24.12), 3: "E", 4: (2.0, 21.0, 3.5), 5: 0.0, 6: 35.5},
    )


@pytest.fixture(scope="session")
def dark_dng(tmp_path_factory: pytest.TempPathFactory, photograph, sensor, capture) -> Path:
    """A x200 exposure of the photograph, as a DNG file."""
    noise = SensorNoise(gain=1.0, shape=0.1, read_scale=1.0, row_scale=0.3)
    rng = np.random.default_rng(1)
    mosaic = expose(unprocess(photograph, sensor), 200.0, noise, sensor.black, sensor.white, rng)
    path = tmp_path_factory.mktemp("raw") / "dark.dng"
    write_dng(path, mosaic, sensor, capture)
    return path


def make_pipeline(seed: int = 0, widths: tuple[int, ...] = (8, 16), **settings: object) -> DarkDiffPipeline:
    """A DarkDiff of toy widths with random weights, the residual taps included; `widths` are the autoencoder's."""
    torch.manual_seed(seed)
    vae = ResidualAutoencoderKL(
        block_out_channels=widths,
        layers_per_block=1,
        norm_num_groups=4,
        mid_block_add_attention=False,
        scaling_factor=0.5,
    )
    for conv in vae.residual_convs:
        torch.nn.init.normal_(conv.weight, std=0.05)
    unet, context = DarkDiffUNet(region_size=4, **UNET_SHAPE), ContextProcessor(**UNET_SHAPE)
    for network in (unet, context):
        network.empty_prompt.normal_()
    scheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        prediction_type="v_prediction",
    )
    defaults = {"lrgb_space": "srgb", "default_steps": 2, "default_guidance": 1.5, "tile": 16, "tile_overlap": 4}
    pipeline = DarkDiffPipeline(vae, unet, context, scheduler, **{**defaults, **settings})
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved toy model, for `--model`; its latents are few, so that a photo is soon made."""
    folder = tmp_path_factory.mktemp("model") / "toy"
    make_pipeline(widths=(8, 8, 16)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-two small photographs, so that two of them are held out."""
    import imageio.v3 as iio

    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(3)
    for index in range(22):
        coarse = rng.uniform(0, 255, (10, 12, 3))
        iio.imwrite(folder / f"{index:02d}.png", np.kron(coarse, np.ones((16, 16, 1))).astype(np.uint8))
    return folder


@pytest.fixture(scope="session")
def shoot(photograph, sensor: Sensor, capture: CaptureMetadata):
    """shoot(path, ratio, seconds, iso): the photograph exposed `ratio` times too little, as a raw file."""

    def write(path: Path, ratio: float, seconds: float, iso: int = 100, balance=(2.1, 1.0, 1.8)) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        camera = replace(sensor, white_balance=balance)
        noise = SensorNoise(gain=0.5, shape=0.1, read_scale=0.5, row_scale=0.1)
        clean = unprocess(photograph, sensor)
        mosaic = expose(clean, ratio, noise, sensor.black, sensor.white, np.random.default_rng(len(str(path))))
        write_dng(path, mosaic, camera, replace(capture, exposure_time=seconds, iso=iso))
        return path

    return write


@pytest.fixture(scope="session")
def shoot_pairs(shoot, tmp_path_factory):
    """shoot_pairs("sid" or "lrd"): a small training and validation set in the published layout."""

    def write(kind: str) -> Path:
        root = tmp_path_factory.mktemp(kind)
        for scene in ("00001", "00002", "20001") if kind == "sid" else ("00001", "00002", "00200"):
            if kind == "sid":
                shoot(root / "Sony" / "long" / f"{scene}_00_10s.dng", 1.0, 10.0)
                shoot(root / "Sony" / "short" / f"{scene}_00_0.1s.dng", 100.0, 0.1)
            else:
                shoot(root / "Clean" / f"{scene}_00_0.05s.dng", 1.0, 0.05)
                shoot(root / "Noisy" / f"{scene}_03_0.0025s.dng", 10.0, 0.0025, 200)
        return root

    return write


def run_darkdiff(*arguments: object, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run the program as a user would, in a process of its own."""
    command = [sys.executable, "-m", "darkdiff_cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def run_here(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the program in this process, which has its libraries already: where the process is not what is tested."""
    AcceleratorState._reset_state(reset_partial_state=True)  # else the precision of the first training is that of all
    done = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB of pictures in [0, 1]."""
    error = np.mean((first.astype(np.float64) - second.astype(np.float64)) ** 2)
    return float(-10 * np.log10(max(error, 1e-12)))
