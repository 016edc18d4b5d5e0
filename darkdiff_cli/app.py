"""The command line: commands, exit codes, and errors as one sentence. Imports no torch until a command runs."""

from importlib.metadata import version
from typing import Annotated

import typer

from darkdiff_cli.commands.batch import batch
from darkdiff_cli.commands.bench.quality import protocols, quality
from darkdiff_cli.commands.bench.short import short
from darkdiff_cli.commands.bench.speed import speed
from darkdiff_cli.commands.bench.table import table
from darkdiff_cli.commands.enhance import enhance
from darkdiff_cli.commands.exits import Debug, with_exit_code
from darkdiff_cli.commands.train import train

app = typer.Typer(
    name="darkdiff",
    help="Raw photo processor for extreme low light: a dark DNG or ARW in, a vivid clean photo out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help answers in half the time
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(with_exit_code(enhance))
app.command()(with_exit_code(batch))
app.command()(with_exit_code(train))
bench_app = typer.Typer(help="Score quality by named protocols and time the way of a photo.", rich_markup_mode=None)
bench_app.command("quality")(with_exit_code(quality))
bench_app.command("protocols")(with_exit_code(protocols))
bench_app.command("table")(with_exit_code(table))
bench_app.command("speed")(with_exit_code(speed))
app.add_typer(bench_app, name="bench", invoke_without_command=True)


@bench_app.callback()
def _bench(context: typer.Context) -> None:
    """Alone: a short version of both on a scene made by code."""
    if context.invoked_subcommand is None:
        with_exit_code(short)()


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"darkdiff {version('darkdiff')}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options before the command."""
    Debug.on = debug


def main() -> None:
    """Run the program and exit: 0 all done, 1 some files failed, 2 wrong usage or unusable input, 130 interrupted."""
    app()
