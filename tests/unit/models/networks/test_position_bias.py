"""A learnt number for where a key lies in a region, seen from its query (Liu et al. 2021)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from darkdiff_models import ContextProcessor, DarkDiffPipeline, DarkDiffUNet
from darkdiff_models.checkpoints import load_pipeline
from darkdiff_models.networks.attention import BIAS_SCALE, RegionCrossAttention, relative_positions, to_regions
from darkdiff_models.networks.precision import cast_weights
from darkdiff_models.networks.surgery import denoiser
from tests.conftest import UNET_SHAPE, make_pipeline, psnr
from tests.unit.models.networks.test_surgery_values import PROMPT, stock

DIM, HEADS, REGION = 12, 3, 4
WHOLE, PADDED = (8, 8), (6, 7)
CERTAIN = 1e4  # a logit beside which the others do not count


def attentions(region: int = REGION) -> tuple[RegionCrossAttention, RegionCrossAttention]:
    """The same weights with a bias and without."""
    biased, plain = (RegionCrossAttention(DIM, HEADS, region, position_bias=on) for on in (True, False))
    plain.load_state_dict({key: value for key, value in biased.state_dict().items() if key != "position_bias"})
    return biased, plain


def images(size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Tokens of queries and a context map."""
    return torch.randn(2, size[0] * size[1], DIM), torch.randn(2, DIM, *size)


def attended(attention: RegionCrossAttention, tokens: Tensor, features: Tensor) -> Tensor:
    """(batch, h, w, dim)."""
    size = (features.shape[2], features.shape[3])
    return attention(tokens, attention.project_features(features), size).unflatten(1, size)


def places(size: tuple[int, int], down: int, right: int) -> Iterator[tuple[int, int, bool]]:
    """Each place of a map, and whether the one at an offset from it is in the same region, and no padding."""
    for row in range(size[0]):
        for column in range(size[1]):
            there = row + down, column + right
            inside = 0 <= there[0] < size[0] and 0 <= there[1] < size[1]
            yield row, column, inside and (there[0] // REGION, there[1] // REGION) == (row // REGION, column // REGION)


@torch.no_grad()
@pytest.mark.parametrize("size", [WHOLE, PADDED])
def test_a_bias_of_zero_changes_nothing_but_rounding(size: tuple[int, int]) -> None:
    biased, plain = attentions()
    assert biased.position_bias.count_nonzero() == 0
    given = images(size)
    assert torch.allclose(attended(biased, *given), attended(plain, *given), atol=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("size", [WHOLE, PADDED])
@pytest.mark.parametrize(("down", "right"), [(0, 0), (1, 2), (-3, 0), (2, -1), (0, 3)])
def test_a_planted_bias_moves_attention_to_the_key_that_it_names(size: tuple[int, int], down: int, right: int) -> None:
    """At every place, each head to its own; where that key is of another region, or padding, nothing changes."""
    biased, plain = attentions()
    side = 2 * REGION - 1
    biased.position_bias[:, 1, (down + REGION - 1) * side + right + REGION - 1] = CERTAIN / BIAS_SCALE
    tokens, features = images(size)
    for attention in (biased, plain):  # heads are seen apart
        attention.to_out[0].weight.copy_(torch.eye(DIM))
        attention.to_out[0].bias.zero_()
    values = biased.to_v(biased.norm_context(features.permute(0, 2, 3, 1)))
    before, after = (attended(attention, tokens, features) for attention in (plain, biased))
    head = slice(DIM // HEADS, 2 * DIM // HEADS)
    moved = 0
    for row, column, there in places(size, down, right):
        expected = values[:, row + down, column + right, head] if there else before[:, row, column, head]
        assert torch.allclose(after[:, row, column, head], expected, atol=1e-5)
        moved += there
    assert moved > 0
    others = [index for index in range(DIM) if not head.start <= index < head.stop]
    assert torch.allclose(after[..., others], before[..., others], atol=1e-6)


def test_offsets_are_counted_from_the_query_row_by_row() -> None:
    table = relative_positions(3, torch.device("cpu"))
    assert table.shape == (9, 9)
    assert table[4].tolist() == [6, 7, 8, 11, 12, 13, 16, 17, 18]  # seen from the middle of 5 x 5 offsets
    assert (table[0, 8], table[8, 0]) == (24, 0)


@pytest.mark.parametrize("size", [WHOLE, PADDED])
def test_every_offset_learns_what_plain_arithmetic_gives(size: tuple[int, int]) -> None:
    biased, _ = attentions()
    torch.nn.init.normal_(biased.position_bias, std=1 / BIAS_SCALE)
    tokens, features = images(size)
    weight = torch.randn(2, *size, DIM)
    (attended(biased, tokens, features) * weight).sum().backward()
    found = biased.position_bias.grad
    assert found is not None and found.abs().min() > 0
    kv = biased.project_features(features)
    query = biased.split_heads(biased.to_q(to_regions(tokens.unflatten(1, size), REGION)))
    logits = query @ kv.key.mT / (DIM // HEADS) ** 0.5
    logits = logits + 32.0 * biased.position_bias[..., relative_positions(REGION, torch.device("cpu"))]
    if kv.mask is not None:
        logits = logits.masked_fill(~kv.mask, -torch.inf)
    hidden = biased.to_out[0]((logits.softmax(-1) @ kv.value).transpose(1, 2).flatten(2))
    expected = torch.autograd.grad((hidden * to_regions(weight, REGION)).sum(), biased.position_bias)[0]
    assert torch.allclose(found, expected, atol=1e-3)


def test_the_whole_map_has_no_bias() -> None:
    with pytest.raises(ValueError, match="a position bias needs regions: set region_size above 0"):
        DarkDiffUNet(region_size=0, region_position_bias=True, **UNET_SHAPE)


@torch.no_grad()
def test_a_denoiser_keeps_its_bias_and_the_bundled_one_has_none(tmp_path: Path) -> None:
    unet = DarkDiffUNet(region_size=4, region_position_bias=True, **UNET_SHAPE)
    for attention in unet.region_attentions:
        attention.position_bias.normal_()
    unet.save_pretrained(tmp_path)
    loaded = DarkDiffUNet.from_pretrained(tmp_path)
    assert loaded.config["region_position_bias"] is True
    assert len(loaded.region_attentions) == 3
    for mine, its in zip(unet.region_attentions, loaded.region_attentions, strict=True):
        assert torch.equal(mine.position_bias, its.position_bias)
    bundled = load_pipeline("tiny").unet
    assert bundled.config["region_position_bias"] is False
    assert all(attention.position_bias is None for attention in bundled.region_attentions)


@torch.no_grad()
def test_surgery_begins_as_without_the_bias() -> None:
    (plain, context), (biased, _) = (denoiser(stock(), PROMPT, 4, region_position_bias=on) for on in (False, True))
    own = {key for key in biased.state_dict() if "position_bias" in key}
    assert len(own) == len(biased.region_attentions) == 2
    assert all(torch.equal(value, biased.state_dict()[key]) for key, value in plain.state_dict().items())
    latents = torch.randn(1, 4, 8, 12)
    made = [unet(latents, torch.tensor(7), unet.prepare(context(latents))) for unet in (plain, biased)]
    assert torch.allclose(*made, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("size", [WHOLE, PADDED])
def test_weights_cast_once_give_the_same_within_rounding(size: tuple[int, int]) -> None:
    unet = DarkDiffUNet(region_size=REGION, region_position_bias=True, **UNET_SHAPE)
    for attention in unet.region_attentions:
        attention.position_bias.normal_(std=2 / BIAS_SCALE)
    context, latents = ContextProcessor(**UNET_SHAPE), torch.randn(1, 4, *(2 * side for side in size))
    features = context(latents)
    exact = unet(latents, torch.tensor(300), unet.prepare(features))
    cast_weights(unet, torch.bfloat16)
    rounded = unet(latents, torch.tensor(300), unet.prepare([feature.bfloat16() for feature in features]))
    assert rounded.dtype == torch.float32
    assert 0 < float((rounded - exact).abs().max()) < 0.05 * float(exact.abs().max())


@torch.no_grad()
def test_a_picture_shows_the_bias_and_is_the_same_in_tiles_cast_or_not() -> None:
    lrgb, pictures = torch.rand(72, 88, 3), []
    for strength, precision in ((0.0, torch.float32), (4.0, torch.float32), (4.0, torch.bfloat16)):
        pipeline = biased_pipeline(strength)
        pipeline.use_precision(precision)
        pictures.append(pipeline(lrgb).srgb.numpy())
    assert psnr(pictures[0], pictures[1]) < 60
    assert psnr(pictures[1], pictures[2]) > max(40, psnr(pictures[0], pictures[1]))


def biased_pipeline(strength: float) -> DarkDiffPipeline:
    """A toy DarkDiff whose regions of 4 tokens have a bias of some strength."""
    plain = make_pipeline()
    unet = DarkDiffUNet(region_size=4, region_position_bias=True, **UNET_SHAPE)
    unet.load_state_dict(plain.unet.state_dict(), strict=False)
    generator = torch.Generator().manual_seed(5)
    for attention in unet.region_attentions:
        bias = attention.position_bias
        bias.copy_(strength / BIAS_SCALE * torch.randn(bias.shape, generator=generator))
    config = {"tile": 16, "tile_overlap": 4, "default_steps": 2, "default_guidance": 1.5, "lrgb_space": "srgb"}
    return DarkDiffPipeline(plain.vae, unet, plain.context, plain.scheduler, **config)
