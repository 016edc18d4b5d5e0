"""The training pair that every dataset returns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from darkdiff_cli.colour import srgb_encode
from darkdiff_cli.errors import InputError
from darkdiff_cli.raw import DataFormat, LrgbSpace, RawFrame, develop, network_input
from darkdiff_models.detail import Samples

IMAGES = ("noisy", "clean", "reference")
Change = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class FullSize:
    """The same scene at the sensor's size, one or a batch.

    Attributes:
        samples: the mosaic of the dark exposure.
        truth: (..., 3, 2h, 2w) the target, sRGB in [0, 1].
        half: (..., 3, h, w) the half-size picture, where it is made beforehand.
    """

    samples: Samples
    truth: Tensor
    half: Tensor | None = None

    def cropped(self, top: int, left: int, side: int) -> "FullSize":
        """A square whose corner and side are given in half-size pixels."""
        half = None if self.half is None else _square(self.half, top, left, side)
        samples = self.samples.images(lambda image: _square(image, 2 * top, 2 * left, 2 * side))
        return FullSize(samples, _square(self.truth, 2 * top, 2 * left, 2 * side), half)

    def images(self, change: Change) -> "FullSize":
        """The same with the images changed, and the numbers as they are."""
        half = None if self.half is None else change(self.half)
        return FullSize(self.samples.images(change), change(self.truth), half)

    def each(self, change: Change) -> "FullSize":
        """The same with all tensors changed."""
        return FullSize(self.samples.each(change), change(self.truth), None if self.half is None else change(self.half))


@dataclass(frozen=True)
class Pair:
    """Training images, one or a batch; (channels, h, w) or (batch, channels, h, w) float32.

    Attributes:
        noisy: the amplified dark exposure, the network's input: LRGB or Bayer planes, 1 = saturation, negative
            values kept. Of a quad Bayer sensor each pixel of LRGB is there four times (`repeated`), so that pairs of
            all filters have one size.
        clean: the same scene well exposed, in the same form.
        reference: the network's target in [0, 1]: the reference rendering in sRGB, or the clean Bayer planes under the
            sRGB curve.
        names: sources of the images, for error messages.
        full: the same at the sensor's size, for stage 3.
        notes: sentences for the user on the files that it is made of.
    """

    noisy: Tensor
    clean: Tensor
    reference: Tensor
    names: tuple[str, ...]
    full: FullSize | None = None
    notes: tuple[str, ...] = ()

    def to(self, device: torch.device) -> "Pair":
        """The same images on another device, laid out channels-last."""
        moved = self._each(lambda image: image.to(device, memory_format=torch.channels_last, non_blocking=True))
        return moved if self.full is None else replace(moved, full=self.full.each(lambda image: image.to(device)))

    def with_half(self, half: Tensor) -> "Pair":
        """The same with its half-size picture."""
        assert self.full is not None
        return replace(self, full=replace(self.full, half=half))

    def pin_memory(self) -> "Pair":
        """A copy in page-locked memory; torch's loader calls this."""
        pinned = self._each(lambda image: image.pin_memory())
        return pinned if self.full is None else replace(pinned, full=self.full.each(lambda image: image.pin_memory()))

    def cloned(self) -> "Pair":
        """A copy in memory of its own."""
        copy = self._each(lambda image: image.clone())
        return copy if self.full is None else replace(copy, full=self.full.each(lambda image: image.clone()))

    def take(self, other: "Pair") -> None:
        """Copy the images of another pair of the same sizes into this one's memory; the names stay."""
        for name in IMAGES:
            getattr(self, name).copy_(getattr(other, name), non_blocking=True)

    def cropped(self, top: int, left: int, side: int) -> "Pair":
        """A square of the images."""
        pair = self._each(lambda image: _square(image, top, left, side))
        return pair if self.full is None else replace(pair, full=self.full.cropped(top, left, side))

    def turned(self, flip: bool, transpose: bool) -> "Pair":
        """The images mirrored, and transposed if they are square."""
        pair = self._images(lambda image: image.flip(-1)) if flip else self
        transpose = transpose and self.noisy.shape[-1] == self.noisy.shape[-2]
        return pair._images(lambda image: image.transpose(-1, -2).contiguous()) if transpose else pair

    def padded(self, multiple: int) -> "Pair":
        """The images padded below and right to multiples of a size, by repeating their edges."""
        height, width = self.noisy.shape[-2:]
        margin = (0, -width % multiple, 0, -height % multiple)
        if self.full is not None and any(margin):
            raise ValueError(f"pairs of full size must be multiples of {multiple} pixels, got {height}x{width}")
        return self._each(lambda image: _repeat_edges(image, margin))

    def _images(self, change: Change) -> "Pair":
        """All images changed."""
        pair = self._each(change)
        return pair if self.full is None else replace(pair, full=self.full.images(change))

    def _each(self, change: Change) -> "Pair":
        """The half-size images changed; those of full size stay."""
        return replace(self, noisy=change(self.noisy), clean=change(self.clean), reference=change(self.reference))


def make_pair(
    dark: RawFrame,
    ratio: float,
    clean: RawFrame,
    name: str,
    lrgb_space: LrgbSpace,
    data_format: DataFormat,
    reference: NDArray[np.float32] | None = None,
    register_colours: bool = False,
) -> Pair:
    """Develop a dark and a clean exposure of the same scene into a training pair.

    Args:
        dark, clean: frames of one size.
        ratio: amplification ratio of the dark one.
        name: for error messages.
        lrgb_space: primaries of the LRGB images.
        data_format: input and output of the network.
        reference: (h, w, 3) sRGB, the target; None renders the clean frame by binning.
        register_colours: of both LRGB images, as in `develop`: for a target in which all colours are of one place.
    """
    images = [
        network_input(dark, ratio, lrgb_space, data_format, register_colours),
        network_input(clean, 1.0, lrgb_space, data_format, register_colours),
    ]
    if data_format == "raw-raw":
        reference = srgb_encode(images[1])
    images.append(srgb_encode(develop(clean, 1.0, "srgb").pixels) if reference is None else reference)
    if len(images[2]) == 2 * len(images[0]):  # of squares of one colour, and a target of half the sensor's sides
        images[:2] = (repeated(image) for image in images[:2])
    noisy, target, shown = (torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))) for image in images)
    return Pair(noisy, target, shown, (name,))


def repeated(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, channels) -> (2h, 2w, channels), each pixel four times."""
    return image.repeat(2, axis=0).repeat(2, axis=1)


def collate(pairs: Sequence[Pair]) -> Pair:
    """Stack single images of one size into a batch.

    Raises:
        InputError: their sizes differ, because a frame is smaller than the crop.
    """
    if len({pair.noisy.shape for pair in pairs}) > 1:
        shown = ", ".join(name for pair in pairs for name in pair.names)
        raise InputError(f"{shown}: are not all as large as the recipe's crop; train with a smaller crop.")
    noisy, clean, reference = (torch.stack([getattr(pair, name) for pair in pairs]) for name in IMAGES)
    fulls = [pair.full for pair in pairs if pair.full is not None]
    names = tuple(name for pair in pairs for name in pair.names)
    return Pair(noisy, clean, reference, names, _stacked(fulls), tuple(note for pair in pairs for note in pair.notes))


def _stacked(fulls: Sequence[FullSize]) -> FullSize | None:
    if not fulls:
        return None
    samples = [full.samples for full in fulls]
    names = [part.name for part in fields(Samples) if getattr(samples[0], part.name) is not None]
    parts = {name: torch.stack([getattr(one, name) for one in samples]) for name in names}
    halves = [full.half for full in fulls if full.half is not None]
    truth = torch.stack([full.truth for full in fulls])
    return FullSize(Samples(**parts), truth, torch.stack(halves) if halves else None)


def _square(image: Tensor, top: int, left: int, side: int) -> Tensor:
    return image[..., top : top + side, left : left + side]


def _repeat_edges(image: Tensor, margin: tuple[int, int, int, int]) -> Tensor:
    batch = image if image.ndim == 4 else image[None]
    return F.pad(batch, margin, mode="replicate").view(*image.shape[:-2], *_grown(image.shape[-2:], margin))


def _grown(size: torch.Size, margin: tuple[int, int, int, int]) -> tuple[int, int]:
    return size[0] + margin[3], size[1] + margin[1]
