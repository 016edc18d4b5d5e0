"""How a photo is written."""

from dataclasses import dataclass

from darkdiff_cli.formats import Colour, Compression, Format


@dataclass(frozen=True)
class PhotoSettings:
    """How a photo is written.

    Attributes:
        photo_format: a name in `darkdiff_cli.formats.KINDS`.
        bit_depth: one that the format has.
        overwrite: replace an existing file.
        gps: write the position where the raw has one.
        colour: colour space that the picture is converted to.
        compression: whether something may be lost, for a format that leaves the choice; None: as the format does it.
        quality: 1 to 100, of a format that loses something; None: the format's usual one.
        long_side: pixels that the longer side may have, 1 or more; None: as many as the picture has.
    """

    photo_format: Format = "jpeg"
    bit_depth: int = 8
    overwrite: bool = False
    gps: bool = True
    colour: Colour = "srgb"
    compression: Compression | None = None
    quality: int | None = None
    long_side: int | None = None

    @property
    def wide(self) -> bool:
        """Whether the file can hold colours outside sRGB: those of the camera, floats, or a wider space."""
        return self.colour != "srgb" or self.photo_format in ("dng", "exr") or self.bit_depth == 32
