"""Text on a sheet: any file name can be read, whatever its letters and whatever fonts the system has.

Pillow's own font has the letters of English alone. A text that needs others is drawn in the first font of the system
that has them all, else each letter in the first that has it. A letter that no font has loses its accent, or is written
as its number: \\u591c.
"""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from PIL import ImageDraw, ImageFont

LINE = 1.5  # height of a line of text in sizes of its letters
SYSTEM = (
    "DejaVuSans.ttf", "NotoSans-Regular.ttf", "segoeui.ttf", "Arial Unicode.ttf",  # many alphabets
    "NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "NotoSansCJKjp-Regular.otf", "DroidSansFallbackFull.ttf",
    "DroidSansFallback.ttf", "wqy-microhei.ttc", "wqy-zenhei.ttc", "msyh.ttc", "YuGothM.ttc", "msgothic.ttc",
    "PingFang.ttc", "Hiragino Sans GB.ttc",  # Chinese and Japanese
    "malgun.ttf", "AppleSDGothicNeo.ttc", "NanumGothic.ttf",  # Korean
    "Nirmala.ttc", "Nirmala.ttf", "LeelawUI.ttf", "Kohinoor.ttc", "NotoSansDevanagari-Regular.ttf",
    "NotoSansThai-Regular.ttf", "NotoSansArabic-Regular.ttf", "NotoSansHebrew-Regular.ttf",  # India and its neighbours
    "FreeSans.ttf", "unifont.otf", "unifont.ttf",
)  # fmt: skip
"""Files that Windows, macOS and Linux come with, in the order in which they are asked."""
NO_LETTER = "\U0010ffff"  # no font has it: what is drawn for it stands for any letter that a font lacks
Font = ImageFont.FreeTypeFont
Run = tuple[str, Font]
"""Letters that follow each other, and the font that draws them."""


def text_height(size: int) -> int:
    """Rows of a line of text."""
    return round(LINE * size)


def write(
    draw: ImageDraw.ImageDraw, text: str, place: tuple[int, int], width: int, size: int, colour: tuple[int, int, int]
) -> None:
    """Write one line; where it is wider than there is room, its end is cut off.

    Args:
        draw: on a picture.
        text: what cannot be printed, such as bytes that are no UTF-8, becomes a question mark.
        place: left and top in pixels.
        width: pixels that the line may take.
        size: of the letters.
        colour: red, green, blue.
    """
    shown = _runs(text, size)
    if _length(shown) > width:
        letters = [letter for run, _ in shown for letter in run]
        while letters and _length(shown) > width:
            letters.pop()
            shown = _runs(f"{''.join(letters)}...", size)
    left, top = place
    baseline, offset = top + _own(size).getmetrics()[0], 0.0
    for run, font in shown:
        draw.text((left + offset, baseline), run, fill=colour, font=font, anchor="ls")
        offset += font.getlength(run)


def lines(text: str, width: int, size: int) -> list[str]:
    """Break a text between words into lines that fit; a word that is wider than a line has one of its own.

    Args:
        text: in one line.
        width: pixels that a line may take.
        size: of the letters.
    """
    broken: list[str] = []
    for word in text.split():
        longer = f"{broken[-1]} {word}" if broken else word
        if broken and _length(_runs(longer, size)) <= width:
            broken[-1] = longer
        else:
            broken.append(word)
    return broken


def _runs(text: str, size: int) -> list[Run]:
    """A text as it is drawn, in letters that there are fonts for."""
    composed = unicodedata.normalize("NFC", text)  # macOS takes accents off their letters in file names
    shown = "".join(letter if letter.isprintable() else "?" for letter in composed)
    whole = next((font for font in _fonts(size) if all(_has(font, letter) for letter in shown)), None)
    if whole is not None:
        return [(shown, whole)]
    runs: list[Run] = []
    for letter in shown:
        part, font = _drawn(letter, size)
        if runs and runs[-1][1] is font:
            runs[-1] = (runs[-1][0] + part, font)
        else:
            runs.append((part, font))
    return runs


def _drawn(letter: str, size: int) -> Run:
    """What is drawn for a letter alone, and by which font."""
    font = next((font for font in _fonts(size) if _has(font, letter)), None)
    if font is not None:
        return letter, font
    own, bare = _own(size), unicodedata.normalize("NFKD", letter)[0]
    return (bare if _has(own, bare) else letter.encode("ascii", "backslashreplace").decode()), own


def _length(runs: list[Run]) -> float:
    """Pixels that a line takes."""
    return sum(font.getlength(run) for run, font in runs)


def _fonts(size: int) -> Iterator[Font]:
    """Pillow's own font, then the system's, each of which is opened only when it is asked for."""
    yield _own(size)
    for name in SYSTEM:
        if (font := _of_system(name, size)) is not None:
            yield font


@lru_cache(maxsize=4096)
def _has(font: Font, letter: str) -> bool:
    """Whether a font has a letter: what it draws is not what it draws for none."""
    drawn, missing = font.getmask(letter), font.getmask(NO_LETTER)
    return drawn.size != missing.size or bytes(drawn) != bytes(missing)


@lru_cache(maxsize=8)
def _own(size: int) -> Font:
    """Pillow's own font."""
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow has it in every wheel
    return font


@lru_cache(maxsize=256)
def _of_system(name: str, size: int) -> Font | None:
    """A font of the system; None where it has none of this name, or one that cannot be read."""
    try:
        return ImageFont.truetype(name, size)
    except (OSError, ValueError):
        return None
