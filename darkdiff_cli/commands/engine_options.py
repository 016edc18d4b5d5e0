"""The options of the machines that work on a batch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from darkdiff_cli.commands.options import PhotoMachineOptions
from darkdiff_cli.errors import SettingsError

if TYPE_CHECKING:
    from darkdiff_cli.batch.start import Engine


@dataclass(frozen=True)
class EngineOptions(PhotoMachineOptions):
    """The machines that work on a batch."""

    device: Annotated[
        str,
        typer.Option(
            "--devices",
            "--device",
            metavar="NAMES",
            help="Where the networks run: auto, cpu, mps, cuda:N, several with commas between them, or all for every "
            "GPU.",
        ),
    ] = "auto"
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="local: this machine. ray: a Ray cluster (extra: ray).")
    ] = "local"
    address: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Address of the Ray cluster. Default: start one on this machine."),
    ] = None
    workers: Annotated[
        int | None, typer.Option(min=1, max=1024, metavar="N", help="Number of Ray workers. Default: one for each GPU.")
    ] = None

    def check(self) -> None:
        """Refuse options of the other engine.

        Raises:
            SettingsError: an option belongs to the other engine.
        """
        if self.engine == "local" and (self.address is not None or self.workers is not None):
            raise SettingsError("--address and --workers belong to --engine ray.")
        if self.engine == "ray" and self.device != "auto":
            raise SettingsError("--devices belongs to --engine local; Ray gives every worker its own GPU.")

    def settings(self) -> "Engine":
        """The engine."""
        from darkdiff_cli.batch.start import Engine

        return Engine(self.engine, self.device, self.address, self.workers)
