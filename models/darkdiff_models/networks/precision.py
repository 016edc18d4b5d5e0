"""Networks in the device's precision: their weights are cast once, and autocast is for training alone.

What stays in fp32 each network names: the embedding of the timestep, and the layers whose output is a picture, latents
or the sampler's prediction, which nothing after them averages. Norms take weights in the device's precision; torch
computes their means, variances and quotients in fp32 whatever the weights are.
"""

from contextlib import AbstractContextManager, nullcontext
from itertools import chain

import torch
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn


@torch.no_grad()
def cast_weights(network: ModelMixin, dtype: torch.dtype) -> None:
    """Cast the weights of a network in place, all but those of its `_keep_in_fp32_modules`.

    That name is diffusers': parts of the path of a weight, such as "conv_out".

    Args:
        network: with weights in fp32.
        dtype: fp32, bf16 or fp16.
    """
    kept = set(network._keep_in_fp32_modules or ())
    for name, tensor in chain(network.named_parameters(), network.named_buffers()):
        if tensor.is_floating_point() and kept.isdisjoint(name.split(".")):
            tensor.data = tensor.data.to(dtype)


def matched(hidden: Tensor, layer: nn.Module) -> Tensor:
    """The input in the precision of a layer's weights; unchanged where autocast chooses it, as in training."""
    kind = hidden.device.type
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        return hidden
    weight = layer.weight
    assert isinstance(weight, Tensor)
    return hidden.to(weight.dtype)


def exact(device: torch.device) -> AbstractContextManager[object]:
    """Within this context autocast rounds nothing; on a device that has none, such as meta, it is no change."""
    kind = device.type
    return torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()
