"""Wrong use of the command line in one sentence: which option, what is wrong with it, where its help is."""

import sys
from difflib import get_close_matches
from typing import Any

import typer
from typer.core import TyperGroup

from darkdiff_cli.commands.console import say
from darkdiff_cli.commands.exits import code_of

UsageError: Any = typer.BadParameter.__base__  # of the Click inside Typer, which names it nowhere else
HELP = "NoArgsIsHelpError"  # is no error: the help has been printed


class Commands(TyperGroup):
    """The program's commands; wrong use ends with exit code 2."""

    def main(self, *arguments: Any, **words: Any) -> Any:
        """Run a command, and exit."""
        if not words.get("standalone_mode", True):
            return super().main(*arguments, **words)
        try:
            code = super().main(*arguments, **{**words, "standalone_mode": False})
            sys.stdout.flush()  # of what did not pass through the program's own printing, such as help
        except UsageError as error:
            if type(error).__name__ != HELP:
                say(usage_sentence(error))
            code = error.exit_code
        except Exception as error:  # help or version could not be printed
            code = code_of(error)
        sys.exit(code)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse an empty argument, which would be the folder that the user is in.

        Raises:
            UsageError: there is one.
        """
        if "" in args:
            empty = "an argument is empty, as where a variable of the shell is unset; give all or leave it out"
            raise UsageError(empty, ctx)
        return list(super().parse_args(ctx, args))


def usage_sentence(error: Any) -> str:
    """The sentence of a usage error."""
    option = getattr(error, "param", None)
    if close := getattr(error, "possibilities", None):
        return f"{_small(error.message)}; did you mean {get_close_matches(error.option_name, close, 1, 0)[0]}?"
    if option is not None and error.message:
        wrong = f"{max(option.opts, key=len)}: {what_is_wrong(error.message)}"
    else:
        wrong = _small(error.format_message())
    command = error.ctx.command_path if error.ctx is not None else "darkdiff"
    return wrong if wrong.endswith("?") else f"{wrong}; see {command} --help."


def what_is_wrong(message: str) -> str:
    """What a check of Typer's says of a value, in the program's words and without a full stop."""
    words = message.removeprefix("Value error, ").split(", unable to parse")[0]
    return _small(words.replace("Input should be", "must be"))


def _small(message: str) -> str:
    words = message.replace(". Did you", "; did you").rstrip(".")
    return words[:1].lower() + words[1:]
