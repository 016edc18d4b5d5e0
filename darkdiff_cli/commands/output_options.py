"""The options of the photos' files: where they go, how they are written, what is said about them."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from darkdiff_cli.commands.aliases import AsJson, Quiet
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.formats import FORMATS, KINDS, QUALITIES, Colour, Compression, Format, check_format

if TYPE_CHECKING:
    from darkdiff_cli.photo.settings import PhotoSettings

STANDARD_OUTPUT = "-"  # as other programs name it


def _gives_way(context: typer.Context, option: typer.CallbackParam, value: Any) -> Any:
    """A preset's value, or the option's default where the photo that the command line names cannot have it."""
    kind = None if _from_a_preset(context, "format") else context.params.get("format")
    kind = kind or _named_by(context.params.get("output"))
    if kind is None or option.name is None or not _from_a_preset(context, option.name):
        return value
    holds = {"format": (kind,), "bit_depth": KINDS[kind].bit_depths, "colour": KINDS[kind].colours,
             "compression": KINDS[kind].compressions, "quality": KINDS[kind].qualities}  # fmt: skip
    return value if value in holds[option.name] else option.default


def _from_a_preset(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "DEFAULT_MAP"


def _named_by(output: Path | None) -> Format | None:
    """The format that the suffix of -o names, where it names a file."""
    return None if output is None or os.path.isdir(output) else FORMATS.get(output.suffix.lower())


@dataclass(frozen=True)
class OutputOptions:
    """Where photos go and how they are written."""

    panel: ClassVar[str] = "Output"
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="A file (for one input) or a folder. Default: beside each input."),
    ] = None
    format: Annotated[
        Format | None,
        typer.Option(callback=_gives_way, help="File format of the photos. Default: by the suffix of -o, else jpeg."),
    ] = None
    bit_depth: Annotated[
        int | None,
        typer.Option(
            metavar="8|16|32",
            callback=_gives_way,
            help="Bits of each channel. tiff: 16, 8, or 32 (floats of linear light). png: 16 or 8. exr: 16 or 32 "
            "(floats). Default: the first.",
        ),
    ] = None
    colour: Annotated[
        Colour,
        typer.Option(
            callback=_gives_way,
            help="Colour space of the photos, with its ICC profile. jxl has srgb alone, dng the camera's.",
        ),
    ] = "srgb"
    compression: Annotated[
        Compression | None,
        typer.Option(
            callback=_gives_way,
            help="Of a dng alone. lossy: a large photo takes about a quarter of the space, in JPEG XL, for readers of "
            "DNG 1.7 such as Lightroom. Default: lossless.",
        ),
    ] = None
    quality: Annotated[
        int | None,
        typer.Option(
            min=QUALITIES[0],
            max=QUALITIES[-1],
            metavar="1..100",
            callback=_gives_way,
            help="Of a jpeg, avif, jxl or webp: less makes a smaller file and loses more. Default: 95, of avif 90, of "
            "jxl between 95 and 96.",
        ),
    ] = None
    long_side: Annotated[
        int | None,
        typer.Option(
            min=16,
            metavar="PIXELS",
            help="Make the photo smaller where its longer side has more pixels than this. Default: as it is.",
        ),
    ] = None
    overwrite: Annotated[bool, typer.Option("--overwrite", metavar="", help="Replace photos that exist.")] = False
    no_gps: Annotated[
        bool,
        typer.Option(
            "--no-gps",
            metavar="",
            help="Leave out where the photo was taken: GPS, names of places, and maker notes, which may repeat them.",
        ),
    ] = False
    as_json: AsJson = False
    quiet: Quiet = False

    def kind(self) -> Format:
        """The format that --format or the suffix of -o names, JPEG by default.

        Raises:
            SettingsError: they name different ones, or the suffix is no photo's.
        """
        check_suffix(self.output)
        named = _named_by(self.output)
        if self.format is not None and named is not None and self.format != named:
            raise SettingsError(f"-o names a {named} file, but --format says {self.format}; drop one of them.")
        return self.format or named or "jpeg"

    def settings(self) -> "PhotoSettings":
        """The settings of writing.

        Raises:
            SettingsError: the format does not go with the suffix, the bit depth, the colour space, the compression or
                the quality, or a package is missing.
        """
        kind = self.kind()
        bit_depth = KINDS[kind].bit_depths[0] if self.bit_depth is None else self.bit_depth
        check_format(kind, bit_depth, self.colour, self.compression, self.quality)
        from darkdiff_cli.photo.settings import PhotoSettings

        return PhotoSettings(
            kind,
            bit_depth,
            self.overwrite,
            not self.no_gps,
            self.colour,
            self.compression,
            self.quality,
            self.long_side,
        )


def check_suffix(output: Path | None) -> None:
    """Refuse -o with the suffix of another kind of file, which else became a folder of that name.

    A folder that exists may be called anything, and one that does not may end in a number (2024.05.01).

    Raises:
        SettingsError: the suffix is no photo's, a file has this name, or it is "-".
    """
    if output is None or os.path.isdir(output) or (suffix := output.suffix.lower()) in FORMATS:
        return
    if str(output) == STANDARD_OUTPUT:
        raise SettingsError("-o -: photos are not written to standard output; give a file or a folder.")
    if os.path.lexists(output):
        raise SettingsError(f"-o {output}: is no folder, and its name is no photo's ({', '.join(FORMATS)}).")
    if not any(letter.isalpha() for letter in suffix):
        return
    raise SettingsError(
        f"-o {output}: photos are written as {', '.join(FORMATS)}; choose one of these, or make the folder first if "
        "you mean one."
    )
