"""Errors that a user can act on. Each message is one sentence: what, which file, what to do."""

import errno
import reprlib
from pathlib import Path

LONGEST = 100  # letters of a value in a message
NO_MEMORY = (  # what torch, the system, the loader and, in the last two, Python say where memory ends
    "can't allocate memory",
    "cannot allocate memory",
    "failed to map segment",
    "without exception set",
    "without setting an exception",
)


class DarkdiffError(Exception):
    """Base of every error that the program reports as one sentence, without a traceback."""


class InputError(DarkdiffError):
    """A file that cannot be processed: missing, broken, or of an unsupported kind."""


class UnreadableError(InputError):
    """A raw that cannot be decoded: no file, damaged, or not whole, as a copy that is still being made is too."""


class ChangedError(InputError):
    """The file is another one than it was, so what it holds now is not to be blamed on what it was."""


class RefusedError(InputError):
    """A file that the program has no permission to read, which may be given at any time without a trace in the file."""


class DriveError(InputError):
    """A file that its drive does not give: a card that was pulled out or has a bad spot, a network that is away."""


class DecoderError(DarkdiffError):
    """The process that decodes raws does not start, or lacks a library: the machine is to blame, and no file."""


class OutputError(DarkdiffError):
    """An output that cannot be written: read-only, disk full, or existing already."""


class SettingsError(DarkdiffError):
    """Options or recipe values that are invalid, alone or together."""


class MemoryLimitError(DarkdiffError):
    """The image did not fit into memory at the current settings.

    Args:
        message: one sentence.
        smaller_tile: tile side in latents to try next; None where a smaller tile does not help.
    """

    def __init__(self, message: str, smaller_tile: int | None = None) -> None:
        super().__init__(message)
        self.smaller_tile = smaller_tile

    def __reduce__(self) -> tuple[type["MemoryLimitError"], tuple[str, int | None]]:
        """Keep `smaller_tile` when pickled between processes."""
        return type(self), (str(self), self.smaller_tile)


class TrainingError(DarkdiffError):
    """Training cannot go on: a loss that is NaN or infinite, or a checkpoint that does not fit."""


def shown(value: object) -> str:
    """A value of the user's as it stands in a message: its repr, cut where it is long or deep."""
    try:
        text = reprlib.repr(value)
    except ValueError:  # a number of thousands of digits
        return f"a huge {type(value).__name__}"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def lacking(error: Exception) -> str | None:
    """What the machine has no more of, where an error says that; system, loader and torch differ in words."""
    text, number = str(error).lower(), getattr(error, "errno", None)
    if isinstance(error, MemoryError) or number == errno.ENOMEM or any(words in text for words in NO_MEMORY):
        return "memory"
    if number in (errno.EMFILE, errno.ENFILE) or "too many open files" in text:
        return "open files"
    if isinstance(error, BlockingIOError) or "can't start new thread" in text:
        return "processes or threads"
    return None


def sentence_of(error: Exception, source: Path | None = None) -> str:
    """What to tell the user: the program's own sentence, or for any other error its kind and message in one line.

    Args:
        error: what was raised.
        source: the file that raised it; the program's own sentences name it already.
    """
    if isinstance(error, DarkdiffError):
        return str(error)
    text = " ".join(str(error).split()) or "no message"
    about = f"{source}: " if source is not None else ""
    if (what := lacking(error)) is not None:
        return f"{about}the machine has no {what} left; close other programs, or raise the limit (ulimit)."
    return f"{about}unexpected {type(error).__name__}: {text}; see `darkdiff --debug ...`."
