"""A wrong black level has a note, as far as the picture can tell; a right one has none."""

import re

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw import RawFrame
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.levels.unlikely import unlikely_levels

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
    notes = unlikely_levels(frame(night(), tag, cfa))
    assert len(notes) == (note is not None)
    if note:
        words = re.fullmatch(f"black level {tag:g} is unlikely, since by the noise, it is above (.*) DN: .*", notes[0])
        assert note <= int(words[1]) <= 512


def test_a_wall_without_a_dark_place_tells_it_too() -> None:
    assert unlikely_levels(frame(night(darkest=20.0), 512.0)) == ()
    assert unlikely_levels(frame(night(darkest=20.0), 256.0))


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
    assert unlikely_levels(frame(night(brightest=brightest), tag)) == expected


@pytest.mark.parametrize(("lowest", "noted"), [(300, True), (100, False), (0, False)])
def test_a_black_level_that_nobody_names_is_missed(lowest: int, noted: bool) -> None:
    picture = np.random.default_rng(0).integers(lowest, 4000, (200, 200)).astype(np.uint16)
    notes = unlikely_levels(frame(picture, 0.0))
    assert ["hardly a pixel is below 301 DN" in note for note in notes] == ([True] if noted else [])


def test_noise_of_much_reading_hides_an_error() -> None:
    """Of 30 DN, more is left in a block than of 3."""
    mosaic = night(read=30.0)
    assert unlikely_levels(frame(mosaic, 516.0)) == ()
    assert unlikely_levels(frame(mosaic, 530.0))


def test_of_a_demosaiced_raw_only_what_is_far_off_is_told() -> None:
    """Its noise may have been reduced."""
    mosaic = np.repeat(night()[..., None], 3, axis=2)
    for black, note in (
        (1.0, None),
        (0.0, "hardly a pixel is below 506 DN"),
        (600.0, "three of four pixels are below"),
    ):
        notes = unlikely_levels(RawFrame(mosaic, None, BlackLevel.uniform(black), 16383.0, (1.0, 1.0, 1.0)))
        assert [note is not None and note in text for text in notes] == ([] if note is None else [True])


def test_offsets_of_rows_do_not_tell_a_level() -> None:
    """The mean of 16 rows is off by a quarter of their noise."""
    rows = np.random.default_rng(5).normal(0, 6, (512, 1))
    lens_cap = np.rint(night(brightest=0.0) + rows).astype(np.uint16)
    assert unlikely_levels(frame(lens_cap, 512.0)) == ()
    assert unlikely_levels(frame(lens_cap, 530.0))


@pytest.mark.parametrize("lost", [np.s_[:, 200:202], np.s_[40, 100:356], np.s_[:, ::128]])
def test_dead_columns_and_lost_rows_do_not_tell_a_level(lost: tuple[slice, ...]) -> None:
    mosaic = night()
    mosaic[lost] = 0
    assert unlikely_levels(frame(mosaic, 512.0)) == ()


@pytest.mark.parametrize("cfa", [RGGB, XTRANS], ids=["Bayer", "X-Trans"])
def test_black_is_not_above_the_darkest_pixels(cfa: Cfa) -> None:
    """The texture of a picture of little noise grows with its light, and looks like noise that vanishes above black."""
    texture = 1 + 0.2 * np.random.default_rng(0).normal(0, 1, (512, 512)).cumsum(axis=1) / 16
    light = np.linspace(12, 600, 512)[None, :] * texture.clip(0.7, 1.3)
    assert unlikely_levels(frame(np.rint(light + 512).astype(np.uint16), 512.0, cfa)) == ()


@pytest.mark.parametrize(("white", "noted"), [(600.0, True), (1023.0, True), (16383.0, False)])
def test_a_white_level_that_the_picture_goes_beyond_has_a_note(white: float, noted: bool) -> None:
    notes = unlikely_levels(frame(night(brightest=4000.0), 512.0, white=white))
    assert [note.split(" is ")[0] for note in notes] == ([f"white level {white:g}"] if noted else [])
