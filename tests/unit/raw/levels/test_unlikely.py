"""A wrong black level has a note, as far as the picture can tell; a right one has none."""

import re

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw import RawFrame
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.levels.unlikely import unlikely_black

RGGB = Cfa.bayer("RGGB")
XTRANS = Cfa(("GGRGGB", "GGBGGR", "BRGRBG", "GGBGGR", "GGRGGB", "RBGBRG"))


def frame(mosaic: np.ndarray, black: float, cfa: Cfa = RGGB, white: float = 16383.0) -> RawFrame:
    return RawFrame(mosaic, cfa, BlackLevel.uniform(black), white, (1.0, 1.0, 1.0))


def night(darkest: float = 0.0, brightest: float = 60.0, read: float = 3.0) -> np.ndarray:
    """A slope of light in a 14-bit raw whose black level is 512, one DN an electron."""
    rng = np.random.default_rng(3)
    light = np.linspace(darkest, brightest, 512)[None, :] * np.ones((512, 1))
    return np.rint(rng.poisson(light) + rng.normal(512, read, light.shape)).astype(np.uint16)


@pytest.mark.parametrize("cfa", [RGGB, XTRANS], ids=["Bayer", "X-Trans"])
@pytest.mark.parametrize(
    ("tag", "note"),
    [(512.0, None), (505.0, None), (480.0, 490), (256.0, 480), (1.0, 480)],
)
def test_a_level_too_low_is_told_by_the_noise(tag: float, note: int | None, cfa: Cfa) -> None:
    notes = unlikely_black(frame(night(), tag, cfa))
    assert len(notes) == (note is not None)
    if note:
        words = re.fullmatch(f"black level {tag:g} is unlikely, since by the noise, it is above (.*) DN: .*", notes[0])
        assert note <= int(words[1]) <= 512


def test_a_wall_without_a_dark_place_tells_it_too() -> None:
    assert unlikely_black(frame(night(darkest=20.0), 512.0)) == ()
    assert unlikely_black(frame(night(darkest=20.0), 256.0))


@pytest.mark.parametrize(
    ("tag", "brightest", "note"),
    [
        (514.0, 60.0, None),
        (520.0, 60.0, "the darkest parts are at 512.8 DN: try that"),
        (540.0, 20.0, "three of four pixels are below 527 DN: try a lower one"),
    ],
)
def test_a_level_too_high_is_told_by_dark_places(tag: float, brightest: float, note: str | None) -> None:
    expected = () if note is None else (f"black level {tag:g} is unlikely, since {note} (--black)",)
    assert unlikely_black(frame(night(brightest=brightest), tag)) == expected


@pytest.mark.parametrize(("lowest", "noted"), [(300, True), (100, False), (0, False)])
def test_a_black_level_that_nobody_names_is_missed(lowest: int, noted: bool) -> None:
    picture = np.random.default_rng(0).integers(lowest, 4000, (200, 200)).astype(np.uint16)
    notes = unlikely_black(frame(picture, 0.0))
    assert ["try 301" in note for note in notes] == ([True] if noted else [])


def test_noise_of_much_reading_hides_an_error() -> None:
    """Of 30 DN, more is left in a block than of 3."""
    mosaic = night(read=30.0)
    assert unlikely_black(frame(mosaic, 516.0)) == ()
    assert unlikely_black(frame(mosaic, 530.0))


def test_a_demosaiced_raw_is_not_judged() -> None:
    mosaic = np.repeat(night()[..., None], 3, axis=2)
    assert unlikely_black(RawFrame(mosaic, None, BlackLevel.uniform(1.0), 16383.0, (1.0, 1.0, 1.0))) == ()
