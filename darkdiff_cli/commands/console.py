"""The one place that prints: results on stdout, words for whoever waits on stderr.

Names of files, metadata, presets and models hold words of strangers. On a terminal, and in whatever is only there to be
read, they are `printable`. JSON keeps them, and so does stdout where a program reads it, which needs the true paths.
"""

import codecs
import io
import json
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from darkdiff_cli.errors import OutputError
from darkdiff_cli.words import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


NAMES = "darkdiff-names"  # the error handler of stdout


def _as_it_came(error: UnicodeError) -> tuple[str | bytes, int]:
    """Bytes of a name that are no UTF-8 leave as they came, and letters that the encoding lacks as their numbers."""
    assert isinstance(error, UnicodeEncodeError)
    one = UnicodeEncodeError(error.encoding, error.object, error.start, error.start + 1, error.reason)
    try:
        return codecs.lookup_error("surrogateescape")(one)
    except UnicodeEncodeError:
        return codecs.backslashreplace_errors(one)


codecs.register_error(NAMES, _as_it_came)


class _Results(io.TextIOWrapper):
    """Standard output; what cannot be written to it is one of the program's errors, and is not tried again at exit.

    No letter stops it (`_as_it_came`), whatever the encoding.
    """

    def __init__(self, stream: io.TextIOWrapper) -> None:
        encoding, lines, at_once = stream.encoding, stream.line_buffering, stream.write_through
        bytes_ = stream.detach()
        super().__init__(bytes_, encoding, NAMES, line_buffering=lines, write_through=at_once)

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise self._given_up(error) from error

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise self._given_up(error) from error

    def _given_up(self, error: OSError) -> Exception:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
        if isinstance(error, BrokenPipeError):  # whoever read it has gone, and needs no words
            return error
        reason = error.strerror or error
        return OutputError(f"standard output: cannot be written ({reason}); free some space, or send it elsewhere.")


def open_streams() -> None:
    """Make stdout and stderr fit to print to, however the program was started."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started the program
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 (for the rest of the process)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout is sys.__stdout__:
        sys.stdout = _Results(sys.stdout)


def quiet_libraries() -> None:
    """Keep warnings of libraries, which are for programmers, from stderr, here and in processes that this one starts.

    Not where Python was told what to do with them (`-W`, PYTHONWARNINGS).
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        os.environ["PYTHONWARNINGS"] = "ignore"


def show(*lines: object) -> None:
    """Print results on stdout at once, each in a line of its own."""
    shown = map(printable, lines) if sys.stdout.isatty() else map(str, lines)
    print(*shown, sep="\n", flush=True)


def show_json(value: Any, indent: int | None = None) -> None:
    """Print a value as JSON on stdout; paths stand as their text."""
    print(json.dumps(value, indent=indent, default=os.fspath), flush=True)


def say(sentence: object) -> None:
    """Print a note or an error on stderr, after the program's name."""
    tell(f"darkdiff: {sentence}")


def tell(line: object) -> None:
    """Print a line on stderr: a count, or how far the work is. Where nobody can read it, the work goes on."""
    with suppress(OSError):
        print(printable(line), file=sys.stderr, flush=True)


def tell_traceback(error: BaseException) -> None:
    """Print where an error comes from on stderr."""
    for line in "".join(traceback.format_exception(error)).splitlines():
        tell(line)


def rich_text(words: object, **style: Any) -> "Text":
    """Words for one of Rich's tables and bars; brackets in them are no markup."""
    from rich.text import Text

    return Text(printable(words), **style)


@contextmanager
def own_console() -> "Iterator[Console]":
    """A console on a descriptor of its own for the terminal that stderr is.

    While LibRaw decodes, descriptor 2 leads into a file (`raw/damage.py`). A bar that its own thread draws there would
    stand still and then come out in one burst.
    """
    from rich.console import Console

    with open(os.dup(sys.stderr.fileno()), "w", encoding=sys.stderr.encoding, errors="replace") as file:
        yield Console(file=file)
