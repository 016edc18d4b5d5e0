"""The file formats of photos: their names, suffixes, bit depths and colour spaces, and the packages that some need."""

from importlib.util import find_spec
from typing import Literal, NamedTuple, get_args

from darkdiff_cli.errors import SettingsError

Format = Literal["jpeg", "tiff", "png", "avif", "jxl", "webp", "exr", "dng"]
Colour = Literal["srgb", "display-p3", "adobe-rgb", "rec2020", "prophoto"]
OWN = "_darkdiff"  # how the names of photos end that the program chooses
CODECS, EXR = "imagecodecs", "OpenEXR"  # both in the extra `formats`


class Kind(NamedTuple):
    """What a format can hold.

    Attributes:
        suffixes: of its files, the usual one first.
        bit_depths: of each channel, the usual one first. 32 bits, and both depths of EXR, are floats of linear light.
        packages: what each bit depth needs beside the program, where it needs anything.
        colours: the colour spaces.
    """

    suffixes: tuple[str, ...]
    bit_depths: tuple[int, ...]
    packages: dict[int, str]
    colours: tuple[Colour, ...] = get_args(Colour)


KINDS: dict[Format, Kind] = {
    "jpeg": Kind((".jpg", ".jpeg"), (8,), {}),
    "tiff": Kind((".tif", ".tiff"), (16, 8, 32), {}),
    "png": Kind((".png",), (16, 8), {16: CODECS}),
    "avif": Kind((".avif",), (10,), {10: CODECS}),
    "jxl": Kind((".jxl",), (16,), {16: CODECS}, ("srgb",)),
    "webp": Kind((".webp",), (8,), {}),
    "exr": Kind((".exr",), (16, 32), {16: EXR, 32: EXR}),
    "dng": Kind((".dng",), (16,), {}, ("srgb",)),
}
FORMATS: dict[str, Format] = {suffix: name for name, kind in KINDS.items() for suffix in kind.suffixes}
"""Format by suffix."""


def check_format(name: Format, bit_depth: int, colour: Colour) -> None:
    """Check, before the work starts, that a photo can be written so.

    Raises:
        SettingsError: the format has no such bit depth or colour space, or a package is missing.
    """
    kind = KINDS[name]
    if bit_depth not in kind.bit_depths:
        allowed = " or ".join(str(depth) for depth in sorted(kind.bit_depths))
        raise SettingsError(f"--bit-depth {bit_depth} does not go with {name}; use {allowed}.")
    if colour not in kind.colours:
        raise SettingsError(f"--colour {colour} does not go with {name}; use {' or '.join(kind.colours)}.")
    package = kind.packages.get(bit_depth)
    if package is not None and find_spec(package) is None:
        other = [str(depth) for depth in kind.bit_depths if depth not in kind.packages]
        instead = f", or give --bit-depth {' or '.join(other)}" if other else ""
        raise SettingsError(
            f"{name} with {bit_depth} bits needs the package {package}; run pip install 'darkdiff[formats]'{instead}."
        )
