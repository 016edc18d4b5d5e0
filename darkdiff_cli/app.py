"""The command line: commands, exit codes, and errors as one sentence. Imports no torch until a command runs."""

import sys
from importlib.metadata import version
from typing import Annotated

import click
import typer

from darkdiff_cli.commands.enhance import enhance
from darkdiff_cli.commands.train import train
from darkdiff_cli.errors import DarkdiffError

EXIT_DONE, EXIT_SOME_FAILED, EXIT_UNUSABLE, EXIT_INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    name="darkdiff",
    help="Raw photo processor for extreme low light: a dark DNG or ARW in, a vivid clean photo out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(enhance)
app.command()(train)


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
    sys.excepthook = sys.__excepthook__ if debug else _one_sentence


def _one_sentence(kind: type[BaseException], error: BaseException, _trace: object) -> None:
    text = str(error) or kind.__name__
    print(
        f"darkdiff: unexpected error: {kind.__name__}: {text}; run again with `darkdiff --debug ...`.", file=sys.stderr
    )


def main() -> None:
    """Run the program and exit: 0 all done, 1 some files failed, 2 wrong usage or unusable input, 130 interrupted."""
    debug = "--debug" in sys.argv[1:2]
    try:
        code = app(standalone_mode=False)
    except click.ClickException as error:
        error.show(sys.stderr)
        sys.exit(EXIT_UNUSABLE)
    except (KeyboardInterrupt, click.Abort):
        print("darkdiff: interrupted", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except DarkdiffError as error:
        if debug:
            raise
        print(f"darkdiff: {error}", file=sys.stderr)
        sys.exit(EXIT_UNUSABLE)
    sys.exit(code if isinstance(code, int) else EXIT_DONE)
