"""The picture options that `enhance` and `batch` share, checked the same way."""

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from darkdiff_cli.errors import SettingsError

if TYPE_CHECKING:
    from darkdiff_cli.enhancer import EnhanceSettings

SUFFIXES = {"jpeg": ".jpg", "tiff": ".tif"}
FORMATS = {".jpg": "jpeg", ".jpeg": "jpeg", ".tif": "tiff", ".tiff": "tiff"}


class Format(str, Enum):
    """Output formats."""

    jpeg = "jpeg"
    tiff = "tiff"


class Sampler(str, Enum):
    """Diffusion samplers."""

    ddim = "ddim"
    dpm = "dpm++"


Views = Annotated[
    int | None,
    typer.Option(
        min=1, max=8, help="Mirrored views of the photo that are averaged: cleaner, and slower. Default: the model's."
    ),
]


class WhitePoint(str, Enum):
    """Which light becomes white."""

    auto = "auto"
    file = "file"


def picture_settings(
    ratio: str, ev: float, black: float | None, white: WhitePoint, steps: int | None, guidance: float | None,
    sampler: Sampler | None, views: int | None, tile: int | None, seed: int, kind: Literal["jpeg", "tiff"],
    bit_depth: int | None, overwrite: bool,
) -> "EnhanceSettings":  # fmt: skip
    """What decides a picture, from the command line's words.

    Raises:
        SettingsError: a ratio or bit depth that makes no sense.
    """
    amplification, depth = _ratio(ratio), _bit_depth(bit_depth, kind)
    from darkdiff_cli.enhancer import EnhanceSettings

    return EnhanceSettings(
        ratio=amplification,
        ev=ev,
        black=black,
        white=white.value,
        steps=steps,
        guidance=guidance,
        sampler=sampler.value if sampler else None,
        views=views,
        tile=tile,
        seed=seed,
        photo_format=kind,
        bit_depth=depth,
        overwrite=overwrite,
    )


def photo_format(chosen: Format | None, output: Path | None) -> Literal["jpeg", "tiff"]:
    """The format that --format or -o's suffix names, JPEG by default.

    Raises:
        SettingsError: they name different ones.
    """
    named = FORMATS.get(output.suffix.lower()) if output is not None else None
    if chosen is not None and named is not None and chosen.value != named:
        raise SettingsError(f"-o names a {named} file, but --format says {chosen.value}; drop one of them.")
    return "tiff" if (chosen.value if chosen else named) == "tiff" else "jpeg"


def _bit_depth(chosen: int | None, kind: str) -> int:
    allowed = {"jpeg": (8,), "tiff": (16, 8)}[kind]
    if chosen is not None and chosen not in allowed:
        raise SettingsError(f"--bit-depth {chosen} does not go with {kind}; use {' or '.join(map(str, allowed))}.")
    return chosen or allowed[0]


def _ratio(text: str) -> "float | Literal['auto']":
    if text == "auto":
        return "auto"
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 10_000:
        raise SettingsError(f"--ratio {text}: must be auto, or a number above 0 and at most 10000.")
    return value
