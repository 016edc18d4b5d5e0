"""What several commands take: their inputs, and one Typer alias for each option."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from darkdiff_models.sampling_settings import MAX_GUIDANCE, MAX_SEED, MAX_VIEWS


def _forbid_connections(offline: bool) -> bool:
    """Act while the command line is read, so that whatever the command loads obeys."""
    if offline:
        from darkdiff_models.connections import forbid_connections

        forbid_connections()
    return offline


MOST_DN = 2**32  # no sample of a raw is larger
WHITE_BALANCES = (
    "camera: as shot, or daylight where the file has none. auto: estimated from the picture. daylight, tungsten, 3200 "
    "(kelvin): of that light. 2,1,1.5: multipliers of red, green, blue."
)

IMAGES = typer.Argument(
    metavar="IMAGES",
    help="Raw files: DNG, ARW, NEF, CR2, CR3, ...",
    show_default=False,
    readable=False,  # one that cannot be read is said in the program's own words, and the others go on
)
Black = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=MOST_DN,
        metavar="DN",
        help="Black level in raw values (DN). Default: from the file.",
        rich_help_panel="Picture",
    ),
]
White = Annotated[
    Literal["auto", "file"],
    typer.Option(
        help="White level. auto: lowered to the brightest part of the picture where that falls a little short of it, "
        "as LibRaw does. file: the file's own.",
        rich_help_panel="Picture",
    ),
]
LineNoise = Annotated[
    Literal["auto", "off"],
    typer.Option(
        help="auto: measure the noise of rows and columns and take it off. off: as the paper does.",
        rich_help_panel="Picture",
    ),
]
HotPixels = Annotated[
    Literal["auto", "off"],
    typer.Option(
        help="auto: find hot, dead and stuck photosites and replace them. off: leave them in.",
        rich_help_panel="Picture",
    ),
]
Crop = Annotated[
    Literal["camera", "sensor"],
    typer.Option(
        help="camera: what the camera itself shows. sensor: all that the sensor saw, margins included.",
        rich_help_panel="Picture",
    ),
]
Dark = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="DARK.ARW",
        readable=False,
        help="A dark frame (lens cap on, same ISO and time) to subtract; several, each with --dark, are averaged.",
        rich_help_panel="Picture",
    ),
]

Steps = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=1000,
        metavar="N",
        help="Denoising steps; more take longer. Default: the model's.",
        rich_help_panel="Diffusion",
    ),
]
Guidance = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=MAX_GUIDANCE,
        metavar="SCALE",
        help="Guidance scale: higher follows the raw file more closely, 1 is off. Default: the model's.",
        rich_help_panel="Diffusion",
    ),
]
Views = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MAX_VIEWS,
        metavar="N",
        help="Mirrored and turned views of the photo that are averaged: cleaner, but slower. Default: the model's.",
        rich_help_panel="Diffusion",
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        min=0,
        max=MAX_SEED,
        metavar="N",
        help="Seed of the noise; the same seed gives the same picture.",
        rich_help_panel="Diffusion",
    ),
]
Tile = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="LATENTS",
        help="Largest side of a denoiser tile in latents; a smaller tile needs less memory, 0 takes the whole picture "
        "at once. Default: the whole picture if the model asks for it, else the tiles that take the fewest operations.",
        rich_help_panel="Machine",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Where the networks run: auto, cpu, cuda, cuda:N or mps.",
        rich_help_panel="Machine",
    ),
]
Offline = Annotated[
    bool,
    typer.Option(
        "--offline",
        metavar="",
        callback=_forbid_connections,
        help="Make no connection: a model that is not on this machine is an error.",
        rich_help_panel="Machine",
    ),
]
Compile = Annotated[
    Literal["on", "off"],
    typer.Option(
        help="on: torch compiles the denoiser, which takes a minute or two and is kept for later runs. It is meant for "
        "many photos on a GPU; on a processor it gains nothing.",
        rich_help_panel="Machine",
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", metavar="", help="Print the results as JSON.", rich_help_panel="Output")
]
Quiet = Annotated[bool, typer.Option("--quiet", metavar="", help="Show no progress.", rich_help_panel="Output")]
