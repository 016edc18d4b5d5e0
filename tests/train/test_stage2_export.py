"""A finished model carries every setting of its recipe."""

import json
from dataclasses import replace
from pathlib import Path

from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.recipe.recipe import Recipe
from darkdiff_cli.training.recipe.stage_settings import Stage1, Stage2
from darkdiff_cli.training.stages.stage2 import ConditionalDenoiser
from darkdiff_models.finishing import Finishing
from tests.conftest import make_pipeline

PLAN = Optimisation(steps=1, batch_size=4, crop=32, learning_rate=1e-3, final_learning_rate=1e-3)
SETTINGS = {
    "default_steps": 7,
    "default_guidance": 1.75,
    "default_views": 3,
    "tile": 24,
    "tile_overlap": 5,
    "autoencoder_tile": 320,
    "autoencoder_tile_overlap": 48,
}


def exported(recipe: Recipe, folder: Path) -> dict[str, object]:
    model = make_pipeline()
    ConditionalDenoiser(recipe, model.vae, (model.unet, model.context), model.scheduler, None).export(folder)
    config: dict[str, object] = json.loads((folder / "model_index.json").read_text())
    return config


def test_an_exported_model_says_how_its_recipe_samples_tiles_and_finishes(tmp_path: Path) -> None:
    finishing = Finishing(colour_anchor=True, expected_error=0.04)
    recipe = Recipe("toy", Stage1(PLAN), Stage2(PLAN, **SETTINGS), base="toy", finishing=finishing)
    config = exported(recipe, tmp_path / "one")
    names = {"autoencoder_tile": "vae_tile", "autoencoder_tile_overlap": "vae_tile_overlap"}
    assert {key: config[names.get(key, key)] for key in SETTINGS} == SETTINGS
    assert (config["colour_anchor"], config["expected_error"]) == (True, 0.04)
    assert (config["lrgb_space"], config["data_format"]) == ("srgb", "lrgb-srgb")
    other = replace(recipe, finishing=Finishing(), lrgb_space="camera", data_format="raw-srgb")
    config = exported(other, tmp_path / "two")
    assert (config["colour_anchor"], config["expected_error"]) == (False, 0.0)
    assert (config["lrgb_space"], config["data_format"]) == ("camera", "raw-srgb")
