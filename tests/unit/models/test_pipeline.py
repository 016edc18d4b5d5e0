import json
import sys
from functools import partial

import pytest
import torch

from darkdiff_models import DarkDiffPipeline, Sampling, SamplingSettings
from darkdiff_models.checkpoints import load_pipeline
from darkdiff_models.detail import Detail, Samples
from darkdiff_models.detail.tiled import full_size
from darkdiff_models.finishing.block_light import block_light, encode_curve
from darkdiff_models.finishing.chroma_smoothing import smooth_chroma
from darkdiff_models.finishing.colour_anchor import anchor_colours
from darkdiff_models.tiling.framing import framed, unframed
from darkdiff_models.tiling.memory import denoiser_bytes
from tests.conftest import make_pipeline


@pytest.fixture(scope="module")
def pipeline() -> DarkDiffPipeline:
    return make_pipeline()


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (70, 41), (8, 9)])
def test_any_size_comes_back_as_it_was(pipeline: DarkDiffPipeline, size: tuple[int, int]) -> None:
    srgb = pipeline(torch.rand(*size, 3)).srgb
    assert srgb.shape == (*size, 3)
    assert srgb.min() >= 0
    assert srgb.max() <= 1


def test_a_tile_of_0_is_the_whole_image(pipeline: DarkDiffPipeline) -> None:
    lrgb = torch.rand(32, 40, 3)
    pictures = [pipeline(lrgb, SamplingSettings(tile=tile)) for tile in (0, 256, 8)]
    assert torch.equal(pictures[0].srgb, pictures[1].srgb)
    assert not torch.equal(pictures[0].srgb, pictures[2].srgb)
    assert pictures[0].sampling.tile == 0


def test_memory_of_tiles_is_counted_for_their_size_number_guidance_and_precision() -> None:
    unet = make_pipeline().unet
    assert denoiser_bytes(unet, (100, 60), 1, 1, 1.0, torch.bfloat16) == 56 * 16 * 100 * 60 * 2
    assert denoiser_bytes(unet, (100, 60), 5, 2, 2.0, torch.float32) == (5 * 8 + 2 * 48) * 16 * 100 * 60 * 2 * 4


def test_same_seed_is_the_same_picture_and_another_is_not(pipeline: DarkDiffPipeline) -> None:
    lrgb = torch.rand(40, 40, 3)
    first, again, other = (pipeline(lrgb, SamplingSettings(seed=seed)).srgb for seed in (4, 4, 5))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


def test_free_memory_changes_the_calls_and_not_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline, lrgb = make_pipeline(), torch.rand(64, 80, 3)
    pipeline.use_precision(torch.float32)  # the machine's own may be bfloat16, whose rounding shows
    many = pipeline(lrgb)
    monkeypatch.setattr("darkdiff_models.tiling.planner.room", lambda _device: 1e7)
    one = pipeline(lrgb)
    assert (one.plan.tiles, one.plan.per_call, one.notes) == (many.plan.tiles, 1, ())
    assert many.plan.per_call > 1
    assert torch.allclose(one.srgb, many.srgb, atol=1e-4)


def test_a_model_made_for_whole_images_takes_them_whole() -> None:
    lrgb = torch.rand(32, 160, 3)
    whole, planned = (make_pipeline(tile=tile)(lrgb) for tile in (0, 64))
    assert (whole.sampling.tile, len(whole.plan.tiles.corners)) == (0, 1)
    assert (planned.sampling.tile, len(planned.plan.tiles.corners)) == (None, 2)


def test_none_means_as_the_checkpoint_says(pipeline: DarkDiffPipeline) -> None:
    lrgb = torch.rand(32, 32, 3)
    silent = pipeline(lrgb)
    assert silent.sampling == Sampling(steps=2, guidance=1.5, sampler="ddim", views=1, tile=None, seed=0)
    assert torch.equal(silent.srgb, pipeline(lrgb, SamplingSettings(2, 1.5, "ddim", 1)).srgb)
    assert not torch.allclose(silent.srgb, pipeline(lrgb, SamplingSettings(guidance=3.0)).srgb)


@pytest.mark.parametrize("views", [1, 3])
def test_progress_reaches_the_end_of_every_stage(pipeline: DarkDiffPipeline, views: int) -> None:
    seen: list[tuple[str, int, int]] = []
    pipeline(torch.rand(64, 64, 3), SamplingSettings(views=views), on_progress=lambda *step: seen.append(step))
    last = {stage: (done, total) for stage, done, total in seen}
    assert list(last) == ["encode", "context", "denoise", "decode"]
    assert all(done == total for done, total in last.values())
    denoise = [done for stage, done, _ in seen if stage == "denoise"]
    assert denoise == sorted(denoise)
    assert denoise[-1] > 2  # tiles times steps


def _keep(seen: list[tuple[str, int, int]], stage: str, done: int, total: int) -> None:
    seen.append((stage, done, total))


def test_the_views_are_those_of_the_last_network() -> None:
    pipeline = make_pipeline().with_detail(Detail((8, 16), (1, 1)))
    samples = Samples(torch.rand(1, 3, 64, 64), torch.ones(1, 3, 64, 64), torch.ones(1, 3, 2), torch.eye(3)[None])
    encodings = {}
    for size in ("paper", "full"):
        seen: list[tuple[str, int, int]] = []
        settings = SamplingSettings(views=3, size=size)
        pipeline(torch.rand(32, 32, 3), settings, samples, on_progress=partial(_keep, seen))
        encodings[size] = max(total for stage, _, total in seen if stage == "encode")
    assert encodings == {"paper": 3, "full": 1}


@pytest.mark.parametrize("size", [(64, 96), (66, 98)])  # whole squares: the second has an odd number of them
def test_quad_bayer_is_made_at_the_size_of_its_squares_and_then_at_its_own(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    detail = Detail((8, 16), (1, 1)).eval().requires_grad_(False)
    for parameter in detail.parameters():
        torch.nn.init.normal_(parameter, std=0.016)
    pipeline = make_pipeline().with_detail(detail)
    rows, columns = (torch.arange(length) // 2 % 2 for length in size)
    red, blue = (1 - rows)[:, None] * (1 - columns), rows[:, None] * columns
    mask = torch.stack([red, 1 - red - blue, blue])[None].float()
    noise = torch.tensor([[1e-4, 1e-3], [2e-4, 2e-3], [3e-4, 3e-3]])[None]
    samples = Samples(torch.rand(1, 3, *size) * mask, mask, noise, torch.eye(3)[None])
    lrgb = torch.rand(size[0] // 4, size[1] // 4, 3)
    made = pipeline(lrgb, SamplingSettings(views=1), samples).srgb
    half = pipeline(lrgb, SamplingSettings(views=1, size="paper")).srgb
    middle = full_size(detail, half, samples.of_squares())
    assert made.shape == (*size, 3)
    torch.testing.assert_close(made, full_size(detail, middle, samples))


@pytest.mark.parametrize(("asked", "deviation", "used"), [(None, 0.03, 2), (None, 0.04, 1), (3, 0.04, 3)])
def test_a_second_view_is_made_where_noise_does_not_hide_it_or_as_asked_for(asked, deviation, used) -> None:
    pipeline = make_pipeline(default_views=2).with_detail(Detail((8, 16), (1, 1)))
    noise = torch.tensor([0.0, deviation**2]).expand(1, 3, 2)
    samples = Samples(torch.rand(1, 3, 64, 64), torch.ones(1, 3, 64, 64), noise, torch.eye(3)[None])
    made = pipeline(torch.rand(32, 32, 3), SamplingSettings(views=asked), samples)
    assert made.sampling.views == used


@pytest.mark.parametrize(
    "wrong",
    [{"guidance": -1.0}, {"steps": 0}, {"tile": 7}, {"tile": -2}, {"sampler": "euler"}, {"views": 0}, {"views": 9}],
    ids=str,
)
def test_senseless_arguments_are_refused(pipeline: DarkDiffPipeline, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        pipeline(torch.rand(32, 32, 3), SamplingSettings(**wrong))


@pytest.mark.parametrize("stage", ["diffusion", "autoencoder alone"])
def test_an_expected_error_lets_clean_input_through(stage: str) -> None:
    pipeline = make_pipeline(lrgb_space="srgb", expected_error=0.03)
    clean = torch.linspace(0.01, 0.9, 50)[:, None, None].expand(50, 41, 3)
    shown = pipeline(clean).srgb if stage == "diffusion" else pipeline.reconstruct(clean)
    assert torch.allclose(shown, encode_curve(clean), atol=1e-3)
    dark = clean + 2 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    assert not torch.allclose(pipeline(dark).srgb, encode_curve(dark).clamp(0, 1), atol=0.1)


def test_the_mean_of_all_views_does_not_know_left_from_right() -> None:
    pipeline, lrgb = make_pipeline(), torch.rand(32, 64, 3)
    for turn in (lambda x: x.flip(1), lambda x: x.transpose(0, 1)):
        one, all_of_them = (
            (pipeline.reconstruct(turn(lrgb), views=v) - turn(pipeline.reconstruct(lrgb, views=v))).abs().max()
            for v in (1, 8)
        )
        assert all_of_them < 1e-4 < 0.01 < one


def test_views_are_averaged_before_colours_are_anchored_in_the_whole_picture() -> None:
    lrgb = 0.3 + 0.3 * torch.rand(128, 192, 3)
    pictures = {}
    for anchored in (False, True):
        torch.manual_seed(0)
        pipeline = make_pipeline(vae_tile=96, vae_tile_overlap=32, lrgb_space="srgb", colour_anchor=anchored)
        with torch.no_grad():
            pipeline.vae.decoder.conv_out.weight *= 0.1
            pipeline.vae.decoder.conv_out.bias.fill_(0.1)  # within the display's range, where nothing is clipped
        pictures[anchored] = pipeline(lrgb, SamplingSettings(views=2)).srgb.permute(2, 0, 1)[None]
    light = block_light(framed(lrgb.permute(2, 0, 1)[None], 32), pipeline.vae.factor)
    expected = unframed(smooth_chroma(anchor_colours(framed(pictures[False], 32), light), light), 128, 192)
    inner = (..., slice(32, -32), slice(32, -32))  # the frame's own picture is not shown
    assert (pictures[True][inner] - expected[inner]).abs().max() < 0.02
    assert (pictures[True] - pictures[False]).abs().max() > 0.1


def test_saved_pipeline_makes_the_same_picture(tmp_path) -> None:
    settings = {
        "lrgb_space": "srgb", "default_steps": 3, "default_guidance": 1.25, "default_sampler": "dpm++", "tile": 12,
        "tile_overlap": 2, "vae_tile": 64, "vae_tile_overlap": 16, "default_views": 2, "expected_error": 0.02,
        "colour_anchor": True,
    }  # fmt: skip
    pipeline = make_pipeline(**settings)
    pipeline.save_pretrained(tmp_path)
    loaded = load_pipeline(tmp_path)
    assert {key: loaded.config[key] for key in settings} == settings
    lrgb = torch.rand(32, 40, 3)
    assert torch.allclose(loaded(lrgb).srgb, pipeline(lrgb).srgb, atol=1e-5)
    assert not list(tmp_path.rglob("*.bin"))


def test_a_model_saved_before_the_networks_had_rooms_makes_the_same_picture(tmp_path) -> None:
    pipeline = make_pipeline(lrgb_space="srgb", colour_anchor=True, expected_error=0.02)
    pipeline.save_pretrained(tmp_path)
    today, lrgb = load_pipeline(tmp_path), torch.rand(32, 40, 3)
    index, vae = (json.loads((tmp_path / name).read_text()) for name in ("model_index.json", "vae/config.json"))
    del index["colour_anchor"]
    for part, module in (("unet", "unet"), ("vae", "autoencoder"), ("context", "context")):
        index[part][0] = f"darkdiff_models.{module}"
    (tmp_path / "model_index.json").write_text(json.dumps(index))
    (tmp_path / "vae" / "config.json").write_text(json.dumps({**vae, "colour_anchor": True}))
    loaded = load_pipeline(tmp_path)
    assert loaded.finishing == pipeline.finishing
    assert torch.equal(loaded(lrgb).srgb, today(lrgb).srgb)


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ("vae", ["os", "system"]),
        ("unet", ["diffusers", "UNet2DConditionModel"]),
        ("context", ["darkdiff_models_evil", "ContextProcessor"]),
        ("scheduler", ["diffusers", "AutoencoderKL"]),
        ("scheduler", ["antigravity", "DDIMScheduler"]),
        ("tokenizer", ["transformers", "CLIPTokenizer"]),
    ],
)
def test_an_index_names_nothing_but_our_networks_and_schedulers(tmp_path, part: str, named: list[str]) -> None:
    make_pipeline().save_pretrained(tmp_path)
    index = json.loads((tmp_path / "model_index.json").read_text())
    (tmp_path / "model_index.json").write_text(json.dumps({**index, part: named}))
    with pytest.raises(ValueError, match=rf"names {named[0]}.{named[1]} for {part}"):
        load_pipeline(tmp_path)
    assert "antigravity" not in sys.modules


def test_folders_without_a_model_are_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="no DarkDiff model"):
        load_pipeline(tmp_path)
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "DarkDiffPipeline"}))
    with pytest.raises(ValueError, match=str(tmp_path)):
        load_pipeline(tmp_path)


def test_incomplete_model_is_refused(tmp_path) -> None:
    make_pipeline().save_pretrained(tmp_path)
    next((tmp_path / "unet").glob("*.safetensors")).write_bytes(b"cut off")
    with pytest.raises(ValueError, match="no complete DarkDiff model"):
        load_pipeline(tmp_path)
