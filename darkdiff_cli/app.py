"""The command line: commands, exit codes, and errors as one sentence. Imports no torch until a command runs."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated

import typer

from darkdiff_cli.commands.aliases import Offline
from darkdiff_cli.commands.batch import batch
from darkdiff_cli.commands.bench.quality import protocols, quality
from darkdiff_cli.commands.bench.short import short
from darkdiff_cli.commands.bench.speed import speed
from darkdiff_cli.commands.bench.table import table
from darkdiff_cli.commands.bench.train import train as bench_train
from darkdiff_cli.commands.console import open_streams, quiet_libraries, show
from darkdiff_cli.commands.enhance import enhance
from darkdiff_cli.commands.exits import Debug, with_exit_code
from darkdiff_cli.commands.grouped import grouped
from darkdiff_cli.commands.info import info
from darkdiff_cli.commands.models import models
from darkdiff_cli.commands.preview import preview
from darkdiff_cli.commands.train import train
from darkdiff_cli.commands.usage import Commands
from darkdiff_cli.compiler_cache import keep_compiled_networks
from darkdiff_cli.threads import let_threads_sleep

app = typer.Typer(
    name="darkdiff",
    cls=Commands,
    help="Raw photo processor for extreme low light: turns dark raw files into bright, clean photos.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
bench_app = typer.Typer(rich_markup_mode="rich")


def _add(parent: typer.Typer, *commands: Callable[..., int]) -> None:
    for command in commands:
        parent.command()(with_exit_code(grouped(command)))


_add(app, enhance, preview, batch, info, models, train)
_add(bench_app, quality, protocols, table, speed, bench_train)
app.add_typer(bench_app, name="bench", invoke_without_command=True)


@bench_app.callback()
def _bench(context: typer.Context, _offline: Offline = False) -> None:
    """Score picture quality by named protocols, and time each stage of a photo and of training.

    Without a command: a short version of both on a scene made by code, in about two minutes.
    """
    if context.invoked_subcommand is None:
        with_exit_code(short)()


def _show_version(wanted: bool) -> None:
    if wanted:
        show(f"darkdiff {version('darkdiff')}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[
        bool, typer.Option("--debug", metavar="", help="Show the traceback of an error, and warnings of libraries.")
    ] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, metavar="", help="Show the version and exit."),
    ] = False,
) -> None:
    """Options before the command."""
    Debug.on = debug
    if not debug:
        quiet_libraries()


def main() -> None:
    """Run the program and exit: 0 all done, 1 some files failed, 2 wrong usage or unusable input, 130 interrupted."""
    open_streams()
    keep_compiled_networks()
    let_threads_sleep()
    app()
