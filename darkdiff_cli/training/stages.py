"""From a stage's number to a finished run: what it starts from, what it trains, in which order."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
from diffusers import AutoencoderKL, DDIMScheduler
from torch.utils.data import Dataset

from darkdiff_cli.datasets import Pair, PhotoPairs, collate
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.training.loop import Report, RunSettings, train
from darkdiff_cli.training.recipe import Recipe
from darkdiff_cli.training.stage import Stage
from darkdiff_cli.training.stage0 import PlainAutoencoder, PlainDenoiser, calibrate_scale
from darkdiff_cli.training.stage1 import ResidualAutoencoder
from darkdiff_cli.training.stage2 import ConditionalDenoiser
from darkdiff_models import ResidualAutoencoderKL
from darkdiff_models.checkpoints import Base, load_base
from darkdiff_models.perceptual import LPIPS
from darkdiff_models.surgery import denoiser, residual_autoencoder

HEALTH_RATIOS = (100.0, 300.0)
HEALTH_CROP = 128


def run_stage(
    number: int,
    recipe: Recipe,
    photos: Path,
    settings: RunSettings,
    base: str | None,
    lpips: Path | None,
    report: Report,
) -> Path:
    """Train one stage of a recipe.

    Args:
        number: 0, 1 or 2.
        recipe: what to train.
        photos: folder of photographs.
        settings: of the machine; each stage finds the one before it in the same output folder.
        base: Stable Diffusion checkpoint to retask, instead of the run's own stage 0.
        lpips: LPIPS weights, needed where a loss has a perceptual weight.
        report: takes the numbers of each logged step.

    Returns:
        The folder of what was trained.

    Raises:
        SettingsError: something that the stage needs is missing; the message says what to do.
    """
    perceptual = _lpips(recipe, number, lpips)
    for stage in _stages(number, recipe, settings, base, perceptual, photos):
        crop = stage.optimisation.crop
        data = PhotoPairs(photos, recipe.data, crop, recipe.seed, "train", recipe.lrgb_space)
        train(stage, data, _held_out(recipe, photos), settings, report)
    return settings.output / stage.name


def _stages(
    number: int, recipe: Recipe, settings: RunSettings, base: str | None, lpips: LPIPS | None, photos: Path
) -> Iterator[Stage]:
    """The stage's trainings in order, each made when the one before it is done."""
    torch.manual_seed(recipe.seed)  # the networks' random start
    if number == 0:
        yield from _stage0(recipe, settings, lpips, photos)
    elif number == 1:
        yield ResidualAutoencoder(
            recipe,
            residual_autoencoder(_base(settings, base).vae, colour_anchor=recipe.autoencoder.colour_anchor),
            lpips,
        )
    else:
        origin = _base(settings, base)
        vae = ResidualAutoencoderKL.from_pretrained(_folder(settings, "stage1", "vae"))
        networks = denoiser(origin.unet, origin.empty_prompt, recipe.stage2.region_size)
        schedule = DDIMScheduler.from_config(origin.scheduler, timestep_spacing="trailing")
        yield ConditionalDenoiser(recipe, vae, networks, schedule, lpips)


def _stage0(recipe: Recipe, settings: RunSettings, lpips: LPIPS | None, photos: Path) -> Iterator[Stage]:
    finished = settings.output / "stage0-autoencoder" / "vae"
    if not (settings.resume and finished.is_dir()):
        yield PlainAutoencoder(recipe, lpips)
    vae = cast(AutoencoderKL, AutoencoderKL.from_pretrained(finished))
    held_out = _held_out(recipe, photos)
    calibrate_scale(vae, collate([held_out[i] for i in range(32)]))
    yield PlainDenoiser(recipe, vae)


def _base(settings: RunSettings, base: str | None) -> Base:
    if base is None:
        return load_base(_folder(settings, "stage0-denoiser", "unet").parent)
    try:
        return load_base(base)
    except (FileNotFoundError, ModuleNotFoundError) as error:
        raise SettingsError(f"{error}.") from error


def _folder(settings: RunSettings, stage: str, part: str) -> Path:
    folder = settings.output / stage / part
    if not folder.is_dir():
        number = stage.removeprefix("stage")[0]
        raise SettingsError(f"{folder}: is missing; run `darkdiff train --stage {number}` with this --output first.")
    return folder


def _held_out(recipe: Recipe, photos: Path) -> Dataset[Pair]:
    dark = replace(recipe.data, ratio_range=HEALTH_RATIOS, bright_share=0.0)
    return PhotoPairs(photos, dark, HEALTH_CROP, recipe.seed, "validation", recipe.lrgb_space)


def _lpips(recipe: Recipe, number: int, path: Path | None) -> LPIPS | None:
    stage = (recipe.stage0, recipe.stage1, recipe.stage2)[number]
    if path is not None:
        return LPIPS.from_file(path)
    if stage.loss.perceptual_weight > 0:
        raise SettingsError(
            f"recipe {recipe.name} has a perceptual loss in stage {number}: give its weights with "
            "--lpips FILE.safetensors, or set perceptual_weight to 0."
        )
    return None
