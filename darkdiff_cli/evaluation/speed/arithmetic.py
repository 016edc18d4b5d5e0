"""How much arithmetic the networks take, counted."""

import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from darkdiff_models import DarkDiffPipeline, SamplingSettings
from darkdiff_models.detail import Samples

SIDE = 256

Shape = tuple[int, ...]


def teraflop_per_megapixel(pipeline: DarkDiffPipeline, sampling: SamplingSettings) -> float:
    """Teraflop per megapixel of the sensor, counted on a small picture."""
    image = torch.rand(SIDE, SIDE, int(pipeline.vae.config["in_channels"]))
    mosaic = torch.rand(1, 3, 2 * SIDE, 2 * SIDE)
    samples = Samples(mosaic, torch.ones_like(mosaic), torch.full((1, 3, 2), 1e-3), torch.eye(3)[None])
    # torch knows the arithmetic of a GPU's fused attention, and counts a CPU's by running it unfused, whose scores of a
    # whole picture take all the memory there is.
    fused = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention_flops}
    with FlopCounterMode(display=False, custom_mapping=fused) as counter:
        pipeline(image, sampling, samples)
    return counter.get_total_flops() / 1e12 / (4 * SIDE**2 / 1e6)


def _attention_flops(query: Shape, key: Shape, value: Shape, *_: object, **__: object) -> int:
    return int(sdpa_flop_count(query, key, value))
