"""How a command ends: its exit code, and every error as one sentence on stderr."""

import os
from collections.abc import Callable
from functools import wraps
from typing import NoReturn, ParamSpec

import typer

from darkdiff_cli.commands.console import say, tell_traceback
from darkdiff_cli.errors import SettingsError, sentence_of

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
            _check_folder()
            code = command(*arguments, **options)
        except KeyboardInterrupt as error:
            code = _interrupted(error)
        except Exception as error:
            stopped = _interrupt_in(error)
            code = code_of(error) if stopped is None else _interrupted(stopped)
        raise typer.Exit(code)

    return run


def _interrupted(error: KeyboardInterrupt) -> int:
    say("; ".join(["interrupted", *map(str, error.args)]))
    return INTERRUPTED


def _interrupt_in(error: BaseException | None) -> KeyboardInterrupt | None:
    """A Ctrl-C that a library made an error of its own of, as diffusers does while it imports; None without."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:  # two errors may each be the other's context
        if isinstance(error, KeyboardInterrupt):
            return error
        seen.append(error)
        error = error.__cause__ or error.__context__
    return None


def code_of(error: Exception) -> int:
    """The exit code of what went wrong, once that is said."""
    if isinstance(error, BrokenPipeError):  # whoever read the output has gone
        return SOME_FAILED
    if Debug.on:
        tell_traceback(error)
    say(sentence_of(error))
    return UNUSABLE


def _check_folder() -> None:
    """Refuse to work from a folder that has been removed: torch does not load there.

    Raises:
        SettingsError: this one has been.
    """
    try:
        os.getcwd()
    except OSError as error:
        raise SettingsError("the folder that you are in is not there any more; change to another one.") from error
