"""Text on a sheet: every name can be read, with the fonts of this machine and with none."""

import unicodedata

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from darkdiff_cli.preview import lettering
from darkdiff_cli.preview.lettering import lines, write

SIZE = 20


def written(text: str, width: int = 900) -> np.ndarray:
    picture = Image.new("L", (1000, 40))
    write(ImageDraw.Draw(picture), text, (10, 5), width, SIZE, 255)
    return np.asarray(picture)


@pytest.fixture
def no_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a font of its own."""
    monkeypatch.setattr(lettering, "SYSTEM", ())


def test_plain_text_is_drawn_as_pillow_draws_it() -> None:
    plain = Image.new("L", (1000, 40))
    font = ImageFont.load_default(SIZE)
    ImageDraw.Draw(plain).text((10, 5), "IMG_0001.ARW (1) gjpq", fill=255, font=font)
    assert np.array_equal(written("IMG_0001.ARW (1) gjpq"), np.asarray(plain))


@pytest.mark.parametrize(
    ("name", "readable"),
    [
        ("夜景.dng", "\\u591c\\u666f.dng"),
        ("Ночь.dng", "\\u041d\\u043e\\u0447\\u044c.dng"),
        ("Zürich é.dng", "Zurich e.dng"),
        ("moon 🌙.dng", "moon \\U0001f319.dng"),
        ("bad\udcff\nname.dng", "bad??name.dng"),  # bytes that are no UTF-8, and a line's end
    ],
)
def test_where_no_font_has_a_letter_the_name_can_still_be_read(name: str, readable: str, no_fonts: None) -> None:
    assert np.array_equal(written(name), written(readable))


@pytest.mark.parametrize("name", ["Ночь.dng", "Łódź é.dng", "夜景.dng", "שלום עולם.dng"])
def test_a_font_of_the_system_draws_a_name_in_its_own_letters(name: str) -> None:
    fonts = [font for file in lettering.SYSTEM if (font := lettering._of_system(file, SIZE)) is not None]
    boxes = {font: bytes(font.getmask("\U0010ffff")) for font in fonts}
    font = next((f for f in fonts if all(bytes(f.getmask(letter)) != boxes[f] for letter in name)), None)
    if font is None:
        pytest.skip(f"no font of this machine has the letters of {name}")
    picture = Image.new("L", (1000, 40))
    baseline = 5 + ImageFont.load_default(SIZE).getmetrics()[0]
    ImageDraw.Draw(picture).text((10, baseline), name, fill=255, font=font, anchor="ls")
    assert np.array_equal(written(name), np.asarray(picture))
    assert np.array_equal(written(unicodedata.normalize("NFD", name)), np.asarray(picture))  # as macOS keeps it


def test_fonts_are_mixed_where_none_has_all_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing overlaps: the letters stand side by side."""
    monkeypatch.setattr(lettering, "_has", lambda font, letter: letter.isascii() == (font is lettering._own(SIZE)))
    runs = lettering._runs("aÉb", SIZE) if any(lettering._of_system(f, SIZE) for f in lettering.SYSTEM) else None
    if runs is None:
        pytest.skip("this machine has none of the fonts")
    assert [run for run, _ in runs] == ["a", "É", "b"]
    assert runs[0][1] is runs[2][1] is not runs[1][1]
    columns = written("aÉb").any(axis=0)
    assert np.diff(columns.astype(int)).tolist().count(1) == 3  # three letters with a gap between each two


@pytest.mark.parametrize("name", ["long" * 100, "夜" * 100])
def test_a_line_that_is_too_long_is_cut_off(name: str) -> None:
    drawn = written(name, 300)
    assert drawn[:, 200:310].any()
    assert not drawn[:, 310:].any()


def test_a_text_is_broken_between_words() -> None:
    text = "one two three four five six"
    broken = lines(text, 120, SIZE)
    assert " ".join(broken) == text
    assert len(broken) == 3
    assert all(ImageFont.load_default(SIZE).getlength(line) <= 120 for line in broken)
    assert lines(f"a {'b' * 50} c", 120, SIZE) == ["a", "b" * 50, "c"]
