"""What would stop a run is found before its first stage begins, not after days of training."""

from collections.abc import Sequence

from darkdiff_cli.training.loop.batches import Cut
from darkdiff_cli.training.loop.train import earlier_checkpoint
from darkdiff_cli.training.pairs import StageName
from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.recipe.recipe import Recipe
from darkdiff_cli.training.run import Run
from darkdiff_cli.training.stages.stage0 import check_shapes
from darkdiff_cli.training.stages.stage3 import check_crop, pairs_crop

FOLDERS: dict[StageName, tuple[str, ...]] = {
    "0": ("stage0-autoencoder", "stage0-denoiser"),
    "1": ("stage1",),
    "2": ("stage2",),
    "3": ("stage3",),
    "sid-unet": ("sid-unet",),
}


def check_before(run: Run, names: Sequence[StageName], processes: int) -> None:
    """Look at everything that the stages of a run need: data, models, earlier stages, room for their results.

    Args:
        run: what was asked for.
        names: its stages in order.
        processes: that share each batch.

    Raises:
        InputError: the training data is missing or not complete.
        SettingsError: a model or an earlier stage is missing, the batch cannot be shared, stage 0's networks cannot be
            built in the recipe's shapes, they and stage 3's crop do not go together, or there is an earlier run.
    """
    if "0" in names and run.recipe.stage0 is not None:
        check_shapes(run.recipe.stage0)
    for name in names:
        for plan in _plans(run.recipe, name):
            run.pairs.training(name, plan.crop)
            run.pairs.held_out(name, plan.crop)
            Cut.of(plan, 0, processes)
        for folder in FOLDERS[name]:
            earlier_checkpoint(run.settings.output / folder, run.settings.resume)
    if run.start:
        model = run.beginning.model()
        if "3" in names and run.recipe.stage3 is not None:
            run.beginning.deep_enough(model.detail, run.recipe.stage3.shape)
            check_crop(run.recipe.stage3, model.vae.factor * model.unet.size_multiple)
        return
    if names[0] == "2":
        run.beginning.autoencoder()
    if names[0] == "3":
        run.beginning.finished()
        return
    if "0" in names and run.recipe.stage0 is not None:
        shapes = run.recipe.stage0.autoencoder_shape, run.recipe.stage0.denoiser_shape
        _check_full_size(run.recipe, names, [len(shape.block_out_channels) for shape in shapes])
    elif "0" not in names and "2" in names:
        base = run.beginning.base_model()
        levels = [len(network.config["block_out_channels"]) for network in (base.vae, base.unet)]
        _check_full_size(run.recipe, names, levels)
    elif "0" not in names and "1" in names:
        run.beginning.base_autoencoder()


def resumes_nothing(run: Run, names: Sequence[StageName]) -> bool:
    """Whether a run that is to be resumed has no checkpoint of any of its stages."""
    folders = (run.settings.output / folder for name in names for folder in FOLDERS[name])
    return run.settings.resume and all(earlier_checkpoint(folder, True) is None for folder in folders)


def small_pictures(run: Run, names: Sequence[StageName]) -> list[str]:
    """Sentences on photographs that are smaller than a crop of the stage with the largest ones."""
    crops = [plan.crop for name in names for plan in _plans(run.recipe, name)]
    if "3" in names and run.recipe.stage3 is not None:
        crops.append(pairs_crop(run.recipe.stage3))
    return run.source.small(max(crops)) if crops else []  # of a stage that the recipe has not, which is said next


def _check_full_size(recipe: Recipe, names: Sequence[StageName], levels: Sequence[int]) -> None:
    """Check stage 3's crop against the networks that the stages before it will have trained; each level halves."""
    if "3" in names and recipe.stage3 is not None:
        check_crop(recipe.stage3, 2 ** sum(count - 1 for count in levels))


def _plans(recipe: Recipe, name: StageName) -> list[Optimisation]:
    prefix = "regression" if name == "sid-unet" else f"stage{name}"
    return [plan for key, plan in recipe.plans.items() if key.startswith(prefix)]
