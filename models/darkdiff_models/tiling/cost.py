"""How many operations the denoiser spends on a tile, from its configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Operations:
    """Operations of a network on a map, a multiplication and an addition counted as two.

    Attributes:
        per_latent: of convolutions, projections and attention to a fixed number of tokens.
        per_pair: of global attention, for every pair of latents.
    """

    per_latent: float = 0.0
    per_pair: float = 0.0

    def __add__(self, other: "Operations") -> "Operations":
        return Operations(self.per_latent + other.per_latent, self.per_pair + other.per_pair)

    def at(self, level: int) -> "Operations":
        """The same on the map of a level, whose sides are 2 ** level times shorter."""
        return Operations(self.per_latent / 4**level, self.per_pair / 16**level)

    def of(self, height: int, width: int) -> float:
        """On one map of this size."""
        latents = height * width
        return latents * (self.per_latent + latents * self.per_pair)


def denoiser_operations(config: Mapping[str, Any]) -> Operations:
    """Of one call of `DarkDiffUNet`, without what does not grow with the map (the timestep's embedding).

    Regions count as full, though those at the edge of a map may be padded.

    Args:
        config: of the denoiser.
    """
    channels, layers = tuple(config["block_out_channels"]), range(config["layers_per_block"])
    attends, first, last = config["attention_levels"], channels[0], len(channels) - 1
    text = config["prompt_tokens"]
    way = config["conditioning"]
    entry = _convolution(config["in_channels"] * (2 if way == "concat" else 1), first)
    total = entry + _encoder(config, config["region_size"] ** 2 if way == "attention" else text)
    for level in range(last + 1):
        out, below, above = channels[level], channels[min(level + 1, last)], channels[max(level - 1, 0)]
        block = Operations()
        for layer in range(len(layers) + 1):
            skip = above if layer == len(layers) else out
            block += _resnet((below if layer == 0 else out) + skip, out)
            block += _transformer(out, text) if attends[level] else Operations()
        total += block.at(level)
        total += _convolution(out, out).at(level - 1) if level > 0 else Operations()
    total += _convolution(first, config["out_channels"])
    if way == "controlnet":
        total += _convolution(config["in_channels"], first) + _convolution(config["in_channels"], first)
        total += _encoder(config, text) + _convolution(first, first, 1)
        for level, out in enumerate(channels):
            for _ in layers:
                total += _convolution(out, out, 1).at(level)
            total += _convolution(out, out, 1).at(min(level + 1, last))  # the downsampled map; at last the middle
    return total


def _encoder(config: Mapping[str, Any], keys: int) -> Operations:
    """Down blocks and middle block; their cross-attention sees so many keys, or the whole map if 0."""
    channels, attends = tuple(config["block_out_channels"]), config["attention_levels"]
    last, total = len(channels) - 1, Operations()
    for level, out in enumerate(channels):
        for layer in range(config["layers_per_block"]):
            total += _resnet(channels[max(level - 1, 0)] if layer == 0 else out, out).at(level)
            total += _transformer(out, keys).at(level) if attends[level] else Operations()
        total += _convolution(out, out).at(level + 1) if level < last else Operations()
    middle = channels[-1]
    return total + (_resnet(middle, middle) + _resnet(middle, middle) + _transformer(middle, keys)).at(last)


def _convolution(into: int, out: int, side: int = 3) -> Operations:
    return Operations(2 * side**2 * into * out)


def _resnet(into: int, out: int) -> Operations:
    shortcut = _convolution(into, out, 1) if into != out else Operations()
    return _convolution(into, out) + _convolution(out, out) + shortcut


def _transformer(width: int, keys: int) -> Operations:
    """Projections in and out, self-attention (4 projections), queries and output of cross-attention, a gated
    feed-forward (8 and 4 widths); keys and values of the condition are projected before."""
    attention = 4 * width  # a product with the keys and one with the values
    projections = 2 * (2 + 4 + 2 + 8 + 4) * width**2
    return Operations(projections + attention * keys, attention * (1 if keys else 2))
