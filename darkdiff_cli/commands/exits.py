"""How a command ends: its exit code, and every error as one sentence on stderr."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import NoReturn, ParamSpec

import typer

from darkdiff_cli.errors import DarkdiffError, sentence_of

DONE, SOME_FAILED, UNUSABLE, INTERRUPTED = 0, 1, 2, 130
P = ParamSpec("P")


class Debug:
    """Whether `--debug` was given; set once, before the command runs."""

    on = False


def with_exit_code(command: Callable[P, int]) -> Callable[P, NoReturn]:
    """Exit with what the command returns: 0 all done, 1 some files failed, 2 nothing usable, 130 interrupted.

    A KeyboardInterrupt may say how to go on.
    """

    @wraps(command)
    def run(*arguments: P.args, **options: P.kwargs) -> NoReturn:
        try:
            code = command(*arguments, **options)
        except KeyboardInterrupt as error:
            print("; ".join(["darkdiff: interrupted", *map(str, error.args)]), file=sys.stderr)
            code = INTERRUPTED
        except BrokenPipeError:  # whoever read the output has gone
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = SOME_FAILED
        except DarkdiffError as error:
            if Debug.on:
                raise
            print(f"darkdiff: {error}", file=sys.stderr)
            code = UNUSABLE
        except Exception as error:
            if Debug.on:
                raise
            print(f"darkdiff: {sentence_of(error)}", file=sys.stderr)
            code = UNUSABLE
        raise typer.Exit(code)

    return run
