"""The training pair that every dataset returns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from darkdiff_cli.colour import srgb_encode
from darkdiff_cli.errors import InputError
from darkdiff_cli.raw import DataFormat, LrgbSpace, RawFrame, develop, network_input

IMAGES = ("noisy", "clean", "reference")


@dataclass(frozen=True)
class Pair:
    """Training images, one or a batch; (channels, h, w) or (batch, channels, h, w) float32.

    Attributes:
        noisy: the amplified dark exposure, the network's input: LRGB or Bayer planes, 1 = saturation, negative
            values kept.
        clean: the same scene well exposed, in the same form.
        reference: the network's target in [0, 1]: the reference rendering in sRGB, or the clean Bayer planes under the
            sRGB curve.
        names: sources of the images, for error messages.
    """

    noisy: Tensor
    clean: Tensor
    reference: Tensor
    names: tuple[str, ...]

    def to(self, device: torch.device) -> "Pair":
        """The same images on another device, laid out channels-last."""
        return self._each(lambda image: image.to(device, memory_format=torch.channels_last, non_blocking=True))

    def cloned(self) -> "Pair":
        """A copy in memory of its own."""
        return self._each(lambda image: image.clone())

    def take(self, other: "Pair") -> None:
        """Copy the images of another pair of the same sizes into this one's memory; the names stay."""
        for name in IMAGES:
            getattr(self, name).copy_(getattr(other, name), non_blocking=True)

    def turned(self, flip: bool, transpose: bool) -> "Pair":
        """The images mirrored, and transposed if they are square."""
        pair = self._each(lambda image: image.flip(-1)) if flip else self
        transpose = transpose and self.noisy.shape[-1] == self.noisy.shape[-2]
        return pair._each(lambda image: image.transpose(-1, -2).contiguous()) if transpose else pair

    def padded(self, multiple: int) -> "Pair":
        """The images padded below and right to multiples of a size, by repeating their edges."""
        height, width = self.noisy.shape[-2:]
        margin = (0, -width % multiple, 0, -height % multiple)
        return self._each(lambda image: _repeat_edges(image, margin))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Pair":
        return Pair(change(self.noisy), change(self.clean), change(self.reference), self.names)


def make_pair(
    dark: RawFrame, ratio: float, clean: RawFrame, name: str, lrgb_space: LrgbSpace, data_format: DataFormat
) -> Pair:
    """Develop a dark and a clean exposure of the same scene into a training pair.

    Args:
        dark, clean: frames of one size.
        ratio: amplification ratio of the dark one.
        name: for error messages.
        lrgb_space: primaries of the LRGB images.
        data_format: input and output of the network.
    """
    images = [
        network_input(dark, ratio, lrgb_space, data_format),
        network_input(clean, 1.0, lrgb_space, data_format),
    ]
    shown = images[1] if data_format == "raw-raw" else develop(clean, 1.0, "srgb").pixels
    images.append(srgb_encode(shown))
    noisy, target, reference = (torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))) for image in images)
    return Pair(noisy, target, reference, (name,))


def collate(pairs: Sequence[Pair]) -> Pair:
    """Stack single images of one size into a batch.

    Raises:
        InputError: their sizes differ, because a frame is smaller than the crop.
    """
    if len({pair.noisy.shape for pair in pairs}) > 1:
        names = ", ".join(name for pair in pairs for name in pair.names)
        raise InputError(f"{names}: are not all as large as the recipe's crop; train with a smaller crop.")
    noisy, clean, reference = (torch.stack([getattr(pair, name) for pair in pairs]) for name in IMAGES)
    return Pair(noisy, clean, reference, tuple(name for pair in pairs for name in pair.names))


def _repeat_edges(image: Tensor, margin: tuple[int, int, int, int]) -> Tensor:
    batch = image if image.ndim == 4 else image[None]
    return F.pad(batch, margin, mode="replicate").view(*image.shape[:-2], *_grown(image.shape[-2:], margin))


def _grown(size: torch.Size, margin: tuple[int, int, int, int]) -> tuple[int, int]:
    return size[0] + margin[3], size[1] + margin[1]
