"""What a writer puts into a file: the picture in the file's own values, and everything that is said of it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.colour import CameraColours, srgb_decode
from darkdiff_cli.gamut import OutsideSrgb
from darkdiff_cli.photo.descriptive import descriptive
from darkdiff_cli.photo.exif import Pixels, exif_block
from darkdiff_cli.photo.icc import profile
from darkdiff_cli.photo.maker_notes import with_maker_notes
from darkdiff_cli.photo.provenance import Provenance
from darkdiff_cli.photo.settings import PhotoSettings
from darkdiff_cli.photo.spaces import SPACES, Space
from darkdiff_cli.photo.thumbnail import with_thumbnail


@dataclass(frozen=True)
class Photo:
    """A finished picture with all that its file will hold.

    Attributes:
        srgb_01: (h, w, 3) upright, sRGB; values out of [0, 1] are clipped.
        capture: what is known about the shot.
        provenance: how the picture was made.
        settings: format, bit depth and colour space.
        camera: how the camera sees colours.
        outside: upright, what of the light is outside sRGB, for a file that can hold it; None where that is unknown.
    """

    srgb_01: NDArray[np.float32]
    capture: CaptureMetadata
    provenance: Provenance
    settings: PhotoSettings
    camera: CameraColours = field(default_factory=CameraColours)
    outside: OutsideSrgb | None = None

    def levels(self, bits: int) -> NDArray[Any]:
        """The picture in its colour space, 0 to 2^bits - 1: (h, w, 3) uint8, or uint16 above 8 bits."""
        values = self.srgb_01 if self.settings.colour == "srgb" else self.space.curve.encode(self.light())
        top = np.float32(2**bits - 1)
        return np.rint(np.clip(values, 0, 1) * top).astype(np.uint8 if bits == 8 else np.uint16)

    def light(self) -> NDArray[np.float32]:
        """The picture in the linear light of its colour space: (h, w, 3) float32, 1 = white, below 0 and above 1 too.

        What lies outside sRGB is there as far as it is known.
        """
        linear = srgb_decode(self.srgb_01)
        linear = linear if self.outside is None else self.outside.restored(linear)
        return linear if self.settings.colour == "srgb" else linear @ self.space.from_srgb().T.astype(np.float32)

    @property
    def space(self) -> Space:
        """The colour space of the file."""
        return SPACES[self.settings.colour]

    @property
    def is_srgb(self) -> bool:
        """Whether the file holds display values of sRGB, which is all that EXIF has a number for."""
        return not self.settings.wide

    @property
    def lossy(self) -> bool:
        """Whether the file is to be small rather than exact, where its format leaves the choice."""
        return self.settings.compression == "lossy"

    def profile(self, linear: bool = False) -> bytes:
        """The ICC profile of `levels`, or of `light`."""
        return profile(self.space, linear)

    def xmp(self) -> bytes:
        """The XMP packet."""
        return self.provenance.xmp(descriptive(self.capture))

    def exif(self) -> bytes:
        """EXIF as one TIFF block, with maker notes and a JPEG's thumbnail where they fit."""
        height, width = self.srgb_01.shape[:2]
        pixels = Pixels(width, height, self.is_srgb, self.settings.photo_format == "jpeg")
        block = with_maker_notes(exif_block(self.capture, self.provenance, pixels), self.capture.maker_notes)
        return with_thumbnail(block, self.srgb_01) if pixels.is_jpeg else block
