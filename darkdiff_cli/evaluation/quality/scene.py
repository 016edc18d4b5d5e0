"""A pair as it is scored: read and rendered once for all methods."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from darkdiff_cli.datasets.rawpairs import RawPair, exposure_ratio, metered_by
from darkdiff_cli.decoder import Decoder
from darkdiff_cli.evaluation.methods.method import Method, Picture
from darkdiff_cli.evaluation.protocols.protocol import Protocol
from darkdiff_cli.evaluation.quality.files import read_both, read_with_truth
from darkdiff_cli.evaluation.sizes import at_the_size_of, is_smaller
from darkdiff_cli.raw import RawFrame
from darkdiff_cli.raw.damage import damage_of

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
    def read(cls, pair: RawPair, protocol: Protocol, decoder: Decoder) -> "Scene":
        """Read both files of a pair in the process in which LibRaw works.

        Raises:
            InputError, MemoryLimitError: as `Decoder.run`, or the truth is no picture of the raw's size.
        """
        places = pair.noisy, pair.clean, protocol.corrections
        if protocol.reference == "truth":
            assert pair.ratio is not None
            dark, truth = decoder.run(pair.noisy, read_with_truth, *places, protocol.size)
            return cls(pair.scene, dark, None, pair.ratio, truth)
        dark, clean, reference = decoder.run(pair.noisy, read_both, *places, protocol.adjust_maximum, protocol.size)
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
