"""Options of `bench quality` that say who is scored, and with which settings."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import typer

from darkdiff_cli.commands.bench.lineup import BASELINES, CEILINGS, EXTERNAL_TIMEOUT, SID_UNET, Lineup, Sweep
from darkdiff_cli.errors import SettingsError
from darkdiff_models.sampling_settings import MAX_GUIDANCE, MAX_VIEWS


@dataclass(frozen=True)
class MethodOptions:
    """Who is scored, and on which pairs."""

    panel: ClassVar[str] = "What is scored"
    data: Annotated[
        str,
        typer.Option(
            metavar="KIND:DIR", help="Pairs of dark and clean raw files: scenes:DIR, sid:DIR, eld:DIR or lrd:DIR."
        ),
    ]
    protocol: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="How they are scored: a name that `bench protocols` lists, such as sid-x300-indoor."
        ),
    ] = "scenes"
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL", help="tiny, a folder or a Hugging Face id. Default: tiny. Can be given several times."
        ),
    ] = None
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METHOD",
            help=f"Simpler method to compare with: {', '.join(BASELINES)}. Can be given several times.",
        ),
    ] = None
    ceiling: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METHOD", help=f"Upper limit to compare with: {', '.join(CEILINGS)}. Can be given several times."
        ),
    ] = None
    pictures: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]FOLDER",
            help="Folder of finished pictures, each named as its dark raw file, such as IMG_1.tif. Can be given "
            "several times.",
        ),
    ] = None
    external: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]COMMAND",
            help="Command of another program, 'command {in} {out}': {in} is the raw file, {out} the TIFF file to "
            "write; {ratio}, the amplification ratio, may be used too. Can be given several times.",
        ),
    ] = None
    external_reference: Annotated[
        Literal["own", "protocol"],
        typer.Option(
            help="What pictures of other programs are judged against: own, what the program itself makes of the clean "
            "raw with ratio 1, so that its colours are no errors; or protocol, the reference of all others."
        ),
    ] = "own"
    external_timeout: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=86_400,
            metavar="SECONDS",
            help="Seconds that another program may take for one picture; then it is ended, and the picture has failed.",
        ),
    ] = EXTERNAL_TIMEOUT

    def lineup(self, sweep: Sweep) -> Lineup:
        """The methods.

        Raises:
            SettingsError: there is no such baseline or ceiling.
        """
        baselines, ceilings = self.baseline or [], self.ceiling or []
        for given, known, option in ((baselines, BASELINES, "baseline"), (ceilings, CEILINGS, "ceiling")):
            for word in given:
                if word not in known and not (option == "baseline" and word.startswith(SID_UNET)):
                    raise SettingsError(f"--{option} {word}: must be one of {', '.join(known)}.")
        return Lineup(
            models=self.model or ["tiny"],
            baselines=baselines,
            ceilings=ceilings,
            pictures=self.pictures or (),
            external=self.external or (),
            external_reference=self.external_reference,
            external_timeout=self.external_timeout,
            sweep=sweep,
        )


@dataclass(frozen=True)
class SweepOptions:
    """Settings that every model is scored with, each with each."""

    panel: ClassVar[str] = "Diffusion"
    steps: Annotated[
        list[int] | None,
        typer.Option(
            min=1, metavar="N", help="Denoising steps. Default: the model's. Can be given several times, to compare."
        ),
    ] = None
    guidance: Annotated[
        list[float] | None,
        typer.Option(
            min=0,
            max=MAX_GUIDANCE,
            metavar="SCALE",
            help="Guidance scale. Default: the model's. Can be given several times, to compare.",
        ),
    ] = None
    views: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            max=MAX_VIEWS,
            metavar="N",
            help="Mirrored and turned views that are averaged. Default: the model's. Can be given several times, to "
            "compare.",
        ),
    ] = None

    def sweep(self) -> Sweep:
        """The settings."""
        return Sweep(self.steps or (None,), self.guidance or (None,), self.views or (None,))
