"""A pair as it is scored: read and rendered once for all methods."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from darkdiff_cli.datasets.rawpairs import RawPair, exposure_ratio, metered_by
from darkdiff_cli.errors import InputError
from darkdiff_cli.evaluation.methods.method import Method, Picture
from darkdiff_cli.evaluation.protocols.protocol import Protocol
from darkdiff_cli.evaluation.protocols.scenes import read_truth
from darkdiff_cli.evaluation.sizes import at_the_size_of, is_smaller
from darkdiff_cli.raw import RawFrame, corrected, read_raw, render_reference
from darkdiff_cli.raw.damage import damage_of
from darkdiff_cli.raw.resizing import half_size, square_size

ODD = 1  # row or column by which pictures of one size may differ, because halves of odd lengths were doubled


@dataclass(frozen=True)
class Rendered:
    """A picture of a method as it is judged.

    Attributes:
        picture, reference: (h, w, 3) sRGB in [0, 1], of one size.
        seconds: that the method took.
        notes: sentences about what had to be done otherwise than asked for.
    """

    picture: Picture
    reference: Picture
    seconds: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Scene:
    """A pair, read.

    Attributes:
        name: of the scene.
        dark: the dark frame, under the clean one's white balance and matrix.
        clean: the clean frame; None where a picture of the truth stands in its place.
        ratio: amplification ratio.
        reference: (h, w, 3) sRGB in [0, 1] at the protocol's size.
    """

    name: str
    dark: RawFrame
    clean: RawFrame | None
    ratio: float
    reference: Picture

    @classmethod
    def read(cls, pair: RawPair, protocol: Protocol) -> "Scene":
        """Read both files of a pair.

        Raises:
            InputError, MemoryLimitError: as `read_raw`, or the truth is no picture of the raw's size.
        """
        dark = corrected(read_raw(pair.noisy), protocol.corrections)
        if protocol.reference == "truth":
            assert pair.ratio is not None
            return cls(pair.scene, dark, None, pair.ratio, _truth(pair, dark, protocol))
        whole = read_raw(pair.clean)  # LibRaw renders the file as it is, or refuses its filter by name
        reference = render_reference(whole, protocol.adjust_maximum, protocol.size)
        clean = corrected(whole, protocol.corrections)
        ratio = pair.ratio if pair.ratio is not None else exposure_ratio(dark, clean)
        return cls(pair.scene, metered_by(dark, clean), clean, ratio, reference)

    def rendered_by(self, method: Method) -> Rendered:
        """A method's picture and what it is judged against, brought to one size.

        Raises:
            DarkdiffError, ValueError: the method makes no picture of it.
        """
        began = time.perf_counter()
        picture = method.render(self.dark, self.clean, self.ratio)
        seconds, notes = time.perf_counter() - began, (*method.notes, *self._damage())
        own = method.reference(self.clean) if self.clean is not None else None
        reference = own if own is not None else self.reference
        if is_smaller(picture, reference):
            notes = (*notes, "they have half the size and were enlarged")
        picture = at_the_size_of(reference, picture)
        if any(abs(a - b) > ODD for a, b in zip(picture.shape[:2], reference.shape[:2], strict=True)):
            notes = (*notes, "their size is not the reference's; what is over at the right or below was cut off")
        height, width = (min(a, b) for a, b in zip(picture.shape[:2], reference.shape[:2], strict=True))
        return Rendered(picture[:height, :width], reference[:height, :width], seconds, notes)

    def _damage(self) -> Iterator[str]:
        """What LibRaw said about the files."""
        for frame in (self.dark, self.clean):
            if frame is not None and frame.path is not None:
                yield from damage_of(frame.path.name, frame.notes)


def _truth(pair: RawPair, dark: RawFrame, protocol: Protocol) -> Picture:
    truth = read_truth(pair.clean)
    high, wide = square_size(dark.mosaic_dn.shape, dark.pixel_aspect)
    if truth.shape[:2] != (high, wide):
        raise InputError(
            f"{pair.clean}: has {truth.shape[1]}x{truth.shape[0]} pixels, and {pair.noisy.name} {wide}x{high}; "
            "a truth must have the sensor's size."
        )
    return truth if protocol.size == "full" else half_size(truth)
