"""Words for people: numbers of things and lists of them in sentences, and words of strangers for a terminal."""

from collections.abc import Sequence
from unicodedata import category

JOINERS = "\u200c\u200d"  # of letters and emoji; they steer nothing
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # of Unicode: controls, formats, surrogates, line and paragraph separators


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


def printable(words: object) -> str:
    r"""Words in one line that leaves a terminal as it is: what is no letter, sign or space stands as its escape.

    Such are ESC (`\x1b`), line breaks (`\n`), characters that turn the direction of a line (`\u202e`), and bytes of a
    file name that are no UTF-8 (`\udce9`).

    Args:
        words: such as a file name, or a sentence that holds one.
    """
    return "".join(
        char.encode("unicode_escape").decode() if category(char) in HIDDEN and char not in JOINERS else char
        for char in str(words)
    )
