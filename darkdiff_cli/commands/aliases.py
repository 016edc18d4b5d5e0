"""Options that several commands take, one Typer alias for each."""

from typing import Annotated

import typer

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
        metavar="SCALE",
        help="Guidance scale: higher follows the raw file more closely, 1 is off. Default: the model's.",
        rich_help_panel="Diffusion",
    ),
]
Views = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=8,
        metavar="N",
        help="Mirrored and turned views of the photo that are averaged: cleaner, but each takes as long as the first. "
        "Default: the model's.",
        rich_help_panel="Diffusion",
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        min=0, metavar="N", help="Seed of the noise; the same seed gives the same picture.", rich_help_panel="Diffusion"
    ),
]
Tile = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="LATENTS",
        help="Side of a denoiser tile in latents; a smaller tile needs less memory, 0 takes the whole picture at once. "
        "Default: the model's.",
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
AsJson = Annotated[
    bool, typer.Option("--json", metavar="", help="Print the results as JSON.", rich_help_panel="Output")
]
Quiet = Annotated[bool, typer.Option("--quiet", metavar="", help="Show no progress.", rich_help_panel="Output")]
