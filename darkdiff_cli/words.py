"""Numbers of things, and lists of them, in sentences."""

from collections.abc import Sequence


def counted(number: int, thing: str) -> str:
    """A number of things: "1 frame", "2 frames".

    Args:
        number: of them.
        thing: its name, whose plural ends in s.
    """
    return f"{number} {thing}{'' if number == 1 else 's'}"


def listed(words: Sequence[str]) -> str:
    """Such as "1, 2 or 4"."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
