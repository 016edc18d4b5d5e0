"""Every number and word of a model's index and configs is checked when it is loaded: file, name and value are said."""

from collections.abc import Callable
from inspect import signature
from math import inf, nan
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler

from darkdiff_models import ContextProcessor, DarkDiffPipeline, DarkDiffUNet, ResidualAutoencoderKL
from darkdiff_models.checkpoints import load_pipeline
from darkdiff_models.config_values import SCHEDULE, network_values
from darkdiff_models.detail import Detail
from darkdiff_models.model_fit import check_fit
from darkdiff_models.model_folder import PARTS, SETTINGS
from darkdiff_models.networks.conditioning import LatentContext
from darkdiff_models.stored import read_scheduler
from tests.conftest import UNET_SHAPE, make_pipeline
from tests.unit.models.test_stored import Change, config, index, model

__all__ = ["model"]  # the fixture
HUGE = 10**400
WRONG: dict[str, list[object]] = {
    "lrgb_space": ["bogus", None, 7],
    "data_format": ["x\x1b]0;\x07", None, 5, {}],
    "default_steps": [0, -1, 1001, HUGE, nan, 2.5, "2", None, True],
    "default_guidance": [-1, nan, inf, 1e308, "1", None],
    "default_sampler": ["evil\x1b[31m", None, 3, ["ddim"]],
    "default_views": [0, -1, 9, "2", None],
    "tile": [3, -4, 1e308, nan, inf, HUGE, "32", [32], None, True, 4.0],
    "tile_overlap": [-6, 10**9, nan, "6", 1.5],
    "vae_tile": [0, -1, 7, 8, 10**18, nan, "x"],
    "vae_tile_overlap": [-1, 513, 10**18, nan],
    "colour_anchor": ["yes", 5, None, []],
    "expected_error": [-1, nan, inf, 1e308, 1.5, "0.1", None, []],
}
WRONG_SCHEDULE: dict[str, list[object]] = {
    "num_train_timesteps": [0, -1, 10**12, nan, "x", 1.5],
    "beta_start": [nan, -1, "x", 1e308, True],
    "beta_end": [inf, -5],
    "beta_schedule": ["bogus\x1b[31m", None, 5],
    "trained_betas": [[], [0.1], "x", [nan] * 1000, [[1]], [0.1] * 20_000],
    "clip_sample": ["x", 1],
    "clip_sample_range": [nan, 0, "x"],
    "set_alpha_to_one": ["x"],
    "steps_offset": [-5, 10**9, "x", 1.5],
    "prediction_type": ["sample", "bogus", None],
    "thresholding": [None],
    "dynamic_thresholding_ratio": [5, nan],
    "sample_max_value": ["q", 0, inf],
    "timestep_spacing": ["bogus", None],
    "rescale_betas_zero_snr": ["x"],
}


def wrong(table: dict[str, list[object]], change: Callable[..., Change]) -> list[object]:
    pairs = [(name, value) for name, values in table.items() for value in values]
    return [pytest.param(name, change(**{name: value}), id=f"{name}={str(value)[:20]!r}") for name, value in pairs]


def schedule(**values: object) -> Change:
    return config("scheduler", **values)


@pytest.mark.parametrize(
    ("file", "name", "change"),
    [pytest.param("model_index.json", *case.values, id=case.id) for case in wrong(WRONG, index)]
    + [pytest.param("scheduler_config.json", *case.values, id=case.id) for case in wrong(WRONG_SCHEDULE, schedule)],
)
def test_a_value_that_no_model_has_is_named_with_its_file(model: Path, file: str, name: str, change: Change) -> None:
    change(model)
    with pytest.raises(ValueError, match=rf"{file}:? has {name} [^\x00-\x1f]+$") as refusal:
        load_pipeline(model)
    assert str(refusal.value).startswith(f"{model}: is no complete DarkDiff model (")
    assert len(str(refusal.value).replace(str(model), "")) < 400


def test_every_argument_is_among_those_that_are_checked() -> None:
    """Else a new one would be taken unseen."""
    arguments = set(signature(DarkDiffPipeline.__init__).parameters) - {"self"}
    assert arguments == set(SETTINGS) | set(PARTS)
    assert set(signature(DDIMScheduler.__init__).parameters) - {"self"} == set(SCHEDULE)
    assert set(WRONG) == set(SETTINGS)
    assert set(WRONG_SCHEDULE) == set(SCHEDULE)
    for kind in (ResidualAutoencoderKL, DarkDiffUNet, ContextProcessor, LatentContext, Detail):
        left = set(signature(kind.__init__).parameters) - {"self"} - set(network_values(kind))
        assert left == ({"scaling_factor"} if kind is ResidualAutoencoderKL else set())  # read_network checks it


def test_the_defaults_of_every_class_are_allowed() -> None:
    check_fit(make_pipeline(tile=0, default_steps=1000))
    for kind in (ResidualAutoencoderKL, DarkDiffUNet, ContextProcessor, LatentContext, Detail):
        allowed = network_values(kind)
        for name, given in signature(kind.__init__).parameters.items():
            value = list(given.default) if isinstance(given.default, tuple) else given.default
            assert name not in allowed or allowed[name].takes(value), name


@pytest.mark.parametrize(
    "values",
    [
        {"beta_start": 0.999, "beta_end": 0.999, "prediction_type": "epsilon"},  # nothing of the picture is left
        {"beta_start": 0.0, "beta_end": 0.0},  # and here no noise comes to it
        {"rescale_betas_zero_snr": True, "prediction_type": "epsilon"},
    ],
)
def test_a_schedule_that_divides_by_nothing_is_none(model: Path, values: dict[str, object]) -> None:
    schedule(**values)(model)
    with pytest.raises(
        ValueError, match=r"scheduler_config.json: is no noise schedule \(its betas leave all or nothing"
    ):
        load_pipeline(model)


def test_a_schedule_takes_what_it_knows_and_leaves_the_rest(model: Path) -> None:
    """What only another sampler knows would go on to that."""
    betas = torch.linspace(0.001, 0.02, 1000).tolist()
    schedule(trained_betas=betas, algorithm_type="bogus", rescale_betas_zero_snr=True)(model)
    scheduler = read_scheduler(model / "scheduler")
    assert "algorithm_type" not in scheduler.config
    assert scheduler.config["trained_betas"] == betas
    assert scheduler.alphas_cumprod[-1] == 0


FIVE_LEVELS = {
    "block_out_channels": (4,) * 5,
    "attention_levels": (False,) * 5,
    "num_heads": (1,) * 5,
    "norm_num_groups": 1,
    "layers_per_block": 1,
}
FITS: dict[str, tuple[Callable[[], DarkDiffPipeline], str]] = {
    "tile": (lambda: make_pipeline(tile=15), "tile 15; it must be 0 or a multiple of 2"),
    "autoencoder's tile": (lambda: make_pipeline(vae_tile=63), "vae_tile 63; it must be a multiple of 2 from 16 on"),
    "overlap": (lambda: make_pipeline(vae_tile=64, vae_tile_overlap=33), "vae_tile_overlap 33; it must be at most"),
    "anchor": (lambda: make_pipeline(lrgb_space="camera", colour_anchor=True), "colour_anchor True; that needs lrgb"),
    "fusion": (lambda: make_pipeline(lrgb_space="camera", expected_error=0.1), "expected_error 0.1; that needs lrgb"),
    "conditioning": (lambda: with_parts(context=LatentContext()), "'attention', which the context LatentContext"),
    "levels": (
        lambda: with_parts(context=ContextProcessor(**{**UNET_SHAPE, "layers_per_block": 2})),
        r"unet/config.json has layers_per_block 1, and context/config.json 2",
    ),
    "channels": (
        lambda: with_parts(unet=DarkDiffUNet(in_channels=8, **UNET_SHAPE)),
        r"has in_channels 8 and out_channels 4, .*: they must be the same",
    ),
    "size": (
        lambda: with_parts(
            vae=ResidualAutoencoderKL(block_out_channels=(4,) * 8, norm_num_groups=1, layers_per_block=1),
            unet=DarkDiffUNet(**FIVE_LEVELS),
            context=ContextProcessor(**FIVE_LEVELS),
        ),
        "sides of 2048 pixels, beyond 1024",
    ),
}  # fmt: skip


def with_parts(**parts: torch.nn.Module) -> DarkDiffPipeline:
    toy = make_pipeline()
    return DarkDiffPipeline(**{**toy.components, **parts}, tile=16)


@pytest.mark.parametrize(("made", "why"), FITS.values(), ids=FITS)
def test_parts_and_settings_that_do_not_fit_each_other_are_refused(
    made: Callable[[], DarkDiffPipeline], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        check_fit(made())
