"""The file formats of photos: their names, suffixes, bit depths and colour spaces, and the packages that some need."""

from importlib import import_module
from importlib.util import find_spec
from typing import Literal, NamedTuple, get_args

from darkdiff_cli.errors import SettingsError
from darkdiff_cli.words import listed

Format = Literal["jpeg", "tiff", "png", "avif", "jxl", "webp", "exr", "dng"]
Colour = Literal["srgb", "display-p3", "adobe-rgb", "rec2020", "prophoto"]
Compression = Literal["lossless", "lossy"]
QUALITIES = range(1, 101)  # of --quality
OWN = "_darkdiff"  # how the names of photos end that the program chooses
CODECS, EXR = "imagecodecs", "OpenEXR"  # both in the extra `formats`


class Kind(NamedTuple):
    """What a format can hold.

    Attributes:
        suffixes: of its files, the usual one first.
        bit_depths: of each channel, the usual one first. 32 bits, and both depths of EXR, are floats of linear light.
        packages: what each bit depth needs beside the program, where it needs anything.
        colours: the colour spaces.
        compressions: those to choose from, the usual one first; none where there is no choice.
        qualities: those to choose from; none where nothing is lost.
    """

    suffixes: tuple[str, ...]
    bit_depths: tuple[int, ...]
    packages: dict[int, str]
    colours: tuple[Colour, ...] = get_args(Colour)
    compressions: tuple[Compression, ...] = ()
    qualities: range = range(0)


KINDS: dict[Format, Kind] = {
    "jpeg": Kind((".jpg", ".jpeg"), (8,), {}, qualities=QUALITIES),
    "tiff": Kind((".tif", ".tiff"), (16, 8, 32), {}),
    "png": Kind((".png",), (16, 8), {16: CODECS}),
    "avif": Kind((".avif",), (10,), {10: CODECS}, qualities=QUALITIES),
    "jxl": Kind((".jxl",), (16,), {16: CODECS}, ("srgb",), qualities=QUALITIES),
    "webp": Kind((".webp",), (8,), {}, qualities=QUALITIES),
    "exr": Kind((".exr",), (16, 32), {16: EXR, 32: EXR}),
    "dng": Kind((".dng",), (16,), {}, ("srgb",), ("lossless", "lossy")),
}
FORMATS: dict[str, Format] = {suffix: name for name, kind in KINDS.items() for suffix in kind.suffixes}
"""Format by suffix."""


def check_format(
    name: Format, bit_depth: int, colour: Colour, compression: Compression | None = None, quality: int | None = None
) -> None:
    """Check, before the work starts, that a photo can be written so.

    Raises:
        SettingsError: the format has no such bit depth, colour space, compression or quality, or a package is missing.
    """
    kind = KINDS[name]
    if bit_depth not in kind.bit_depths:
        allowed = listed([str(depth) for depth in sorted(kind.bit_depths)])
        raise SettingsError(f"--bit-depth {bit_depth} does not go with {name}; use {allowed}.")
    if name == "dng" and colour not in kind.colours:
        raise SettingsError(f"--colour {colour} does not go with dng, which holds the camera's own colours; drop it.")
    if colour not in kind.colours:
        raise SettingsError(f"--colour {colour} does not go with {name}; use {listed(kind.colours)}.")
    if compression is not None and compression not in kind.compressions:
        having = [other for other, facts in KINDS.items() if compression in facts.compressions]
        raise SettingsError(f"--compression {compression} does not go with {name}; it is for {listed(having)}.")
    if quality is not None and not kind.qualities:
        having = [other for other, facts in KINDS.items() if facts.qualities]
        raise SettingsError(f"--quality {quality} does not go with {name}; it is for {listed(having)}.")
    if quality is not None and quality not in kind.qualities:
        raise SettingsError(f"--quality {quality}: must be from {kind.qualities[0]} to {kind.qualities[-1]}.")
    if compression == "lossy":
        _check_package(CODECS, "--compression lossy", ", or drop the option")
    if (package := kind.packages.get(bit_depth)) is not None:
        other = [str(depth) for depth in kind.bit_depths if depth not in kind.packages]
        instead = f", or give --bit-depth {listed(other)}" if other else ""
        _check_package(package, f"{name} with {bit_depth} bits", instead)


def is_usable(package: str) -> bool:
    """Whether a package is there and loads; one that was damaged, or made for another Python, does not."""
    return _trouble_with(package) is None


def _trouble_with(package: str) -> str | None:
    try:
        import_module(package)
    except (ImportError, OSError) as error:
        return "" if find_spec(package) is None else next(iter(str(error).splitlines()), "ImportError")
    return None


def _check_package(package: str, what: str, instead: str) -> None:
    """Refuse what needs a package that is not there or does not load.

    Raises:
        SettingsError: so it is.
    """
    trouble = _trouble_with(package)
    if trouble == "":
        raise SettingsError(f"{what} needs the package {package}; run pip install 'darkdiff[formats]'{instead}.")
    if trouble is not None:
        raise SettingsError(
            f"{what} needs the package {package}, which does not load ({trouble}); run pip install --force-reinstall "
            f"{package}{instead}."
        )
