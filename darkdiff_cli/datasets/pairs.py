"""What every dataset hands to the trainer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Pair:
    """Training images, one or a batch; (3, h, w) or (batch, 3, h, w) float32.

    Attributes:
        noisy_lrgb: the dark exposure, amplified; 1 = saturation, negative values kept.
        clean_lrgb: the same scene well exposed.
        clean_srgb: the reference rendering in [0, 1].
        names: where the images come from, for error messages.
    """

    noisy_lrgb: Tensor
    clean_lrgb: Tensor
    clean_srgb: Tensor
    names: tuple[str, ...]

    def to(self, device: torch.device) -> "Pair":
        """The same images on another device, laid out channels-last."""
        move = {
            name: getattr(self, name).to(device, memory_format=torch.channels_last, non_blocking=True)
            for name in ("noisy_lrgb", "clean_lrgb", "clean_srgb")
        }
        return replace(self, **move)


def collate(pairs: Sequence[Pair]) -> Pair:
    """Stack single images of one size into a batch."""
    return Pair(
        noisy_lrgb=torch.stack([p.noisy_lrgb for p in pairs]),
        clean_lrgb=torch.stack([p.clean_lrgb for p in pairs]),
        clean_srgb=torch.stack([p.clean_srgb for p in pairs]),
        names=tuple(name for p in pairs for name in p.names),
    )
