"""Masked pixels put the black level right, lit ones do not."""

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw.dng_tags import BLACK_LEVEL, BLACK_REPEAT, MASKED_AREAS, DngTags
from darkdiff_cli.raw.levels import Readout, black_level

RGGB = Cfa.bayer("RGGB")
TOP, LEFT, HIGH, WIDE = 26, 40, 256, 300
TRUE = 509.4


def sensor(level: float = TRUE, noise: float = 3.0, light: float = 20.0) -> np.ndarray:
    """A dark border above and left of a picture that is lit, darker in the middle, brightest at red."""
    rng = np.random.default_rng(0)
    full = np.zeros((TOP + HIGH, LEFT + WIDE))
    y, x = np.mgrid[0:HIGH, 0:WIDE]
    full[TOP:, LEFT:] = light * (np.hypot(y / HIGH - 0.5, x / WIDE - 0.5) + 0.05)
    full[TOP::2, LEFT::2] *= 2
    full += level + rng.normal(0, noise, full.shape) + np.sqrt(np.maximum(full, 0)) * rng.normal(0, 1, full.shape)
    return np.rint(full).astype(np.uint16)


def found(full: np.ndarray, tag: float = 512.0, areas: tuple[int, ...] = (), cfa: Cfa = RGGB, top=TOP, left=LEFT):
    tags = {BLACK_LEVEL: (3, (tag,))}
    if areas:
        tags[MASKED_AREAS] = (4, areas)
    dng = DngTags(tags)
    high, wide = full.shape[0] - top, full.shape[1] - left
    black, notes = black_level(Readout(full, top, left, high, wide, cfa, (tag,) * len(cfa.sites), 16383.0, dng))
    return np.broadcast_to(black.pattern, cfa.period).ravel().tolist(), notes


def test_the_fraction_of_a_dn_is_found() -> None:
    levels, notes = found(sensor())
    assert levels == pytest.approx([TRUE] * 4, abs=0.1)
    assert notes == ()


def test_sites_are_those_of_the_visible_frame_wherever_it_begins() -> None:
    full = sensor(level=510.0)
    full[1::2, 0::2] -= 1  # of the whole sensor
    assert found(full)[0] == pytest.approx([510, 510, 509, 510], abs=0.15)
    assert found(full[1:], top=TOP - 1)[0] == pytest.approx([510, 510, 509, 510], abs=0.15)
    assert found(full[1:, 1:], top=TOP, left=LEFT, cfa=Cfa.bayer("BGGR"))[0] == pytest.approx(
        [510, 509, 510, 510], abs=0.15
    )


@pytest.mark.parametrize("step", [6, 150, 1000])
@pytest.mark.parametrize("axis", [0, 1])
def test_bad_lines_and_hot_pixels_are_left_out(step: int, axis: int) -> None:
    full = sensor()
    if axis:
        full[:, [0, 1, 8, 13, 14]] += step
    else:
        full[[0, 1, 7], :] += step
    full[np.random.default_rng(1).random(full.shape) < 0.004] = 4000
    assert found(full)[0] == pytest.approx([TRUE] * 4, abs=0.15)


def test_lines_beside_the_picture_are_left_out() -> None:
    """However little light they see."""
    full, area = sensor(), (0, 0, TOP + HIGH, LEFT)
    lit = full.copy()
    lit[TOP - 4 : TOP, LEFT - 4 :] += 1
    lit[TOP:, LEFT - 4 : LEFT] += 1
    assert found(lit) == found(full)
    lit[:TOP, LEFT - 4 : LEFT] += 1
    assert found(lit, areas=area) == found(full, areas=area)


def test_a_dark_picture_repeated_in_the_border_tells_nothing() -> None:
    """A capped lens: the border is as dark as it should be, but counts what was counted already."""
    full = sensor(level=510.0, light=0.0)
    assert found(full)[0] == pytest.approx([510.0] * 4, abs=0.1)
    full[TOP:, : LEFT - 4] = full[TOP:, LEFT : 2 * LEFT - 4]
    assert found(full) == ([512.0] * 4, ())


def test_every_named_area_counts_wherever_it_lies_and_nothing_else() -> None:
    """One left of the picture, one to its right; the margin above is lit."""
    full = np.concatenate([sensor(), sensor()[:, :LEFT] + 2], axis=1)
    full[:TOP] += 30
    dng = DngTags(
        {BLACK_LEVEL: (3, (512,)), MASKED_AREAS: (4, (TOP, 0, TOP + HIGH, LEFT - 4, TOP, 344, TOP + HIGH, 380))}
    )
    black, _ = black_level(Readout(full, TOP, LEFT, HIGH, WIDE, RGGB, (512.0,) * 4, 16383.0, dng))
    assert black.pattern.ravel() == pytest.approx([TRUE + 1] * 4, abs=0.15)


@pytest.mark.parametrize("kind", ["scene", "flat", "copy", "uneven", "parts", "one value"])
def test_margins_that_are_no_optical_black(kind: str) -> None:
    full = sensor(level=512.0)
    if kind == "scene":  # the picture goes on in the border
        full = np.roll(full, (-TOP, -LEFT), axis=(0, 1))
    elif kind == "flat":  # evenly lit: brighter than the middle of the picture
        full[:TOP] += 5
        full[TOP:, :LEFT] += 5
    elif kind == "copy":
        full[TOP:, : LEFT - 4] = full[TOP:, LEFT : 2 * LEFT - 4]
        full[:TOP] = full[TOP : 2 * TOP]
    elif kind == "uneven":
        full[:, :LEFT] += np.rint(np.linspace(-8, 8, LEFT)).astype(np.uint16)
    elif kind == "parts":
        full[:TOP] -= 8
    else:
        full[:TOP], full[:, :LEFT] = 510, 510
    assert found(full) == ([512.0] * 4, ())


def test_a_named_area_that_is_brighter_than_the_picture_is_not_believed() -> None:
    full = sensor(level=512.0, light=4.0)
    full[:, :LEFT] += 8
    levels, notes = found(full, areas=(0, 0, TOP + HIGH, LEFT - 4))
    assert levels == [512.0] * 4
    assert notes == ("the masked border (black level 520 DN) is brighter than the picture: the file's 512 is used",)


@pytest.mark.parametrize(("tag", "believed"), [(526.0, True), (529.0, False)])
def test_more_than_rounding_and_warmth_explain_is_not_believed(tag: float, believed: bool) -> None:
    """1 DN and a thousandth of the range: 16.9 DN. The border says 509.4 or, at 26 DN apart, the file is right."""
    levels, notes = found(sensor(level=510.0), tag, areas=(0, 0, TOP + HIGH, LEFT - 4))
    assert levels == (pytest.approx([510.0] * 4, abs=0.15) if believed else [tag] * 4)
    assert notes[:1] == (
        () if believed else ("the masked border says black level 510 DN, the file 529: the file is believed",)
    )


def test_without_a_tag_the_named_area_is_the_black_level() -> None:
    dng = DngTags({MASKED_AREAS: (4, (0, 0, TOP + HIGH, LEFT - 4))})
    black, notes = black_level(Readout(sensor(), TOP, LEFT, HIGH, WIDE, RGGB, (0.0,) * 4, 16383.0, dng))
    assert black.pattern.ravel() == pytest.approx([TRUE] * 4, abs=0.1)
    assert notes == ()


def test_too_few_pixels_tell_nothing() -> None:
    full = sensor()[TOP - 6 :, LEFT:]  # two rows are far enough from the picture
    assert found(full, top=6, left=0) == ([512.0] * 4, ())


def test_a_linear_raw_has_no_masked_pixels() -> None:
    dng = DngTags({BLACK_LEVEL: (3, (10, 20, 30))})
    black, _ = black_level(Readout(np.zeros((8, 8, 3)), 0, 0, 8, 8, None, (0.0,) * 3, 4095.0, dng))
    assert black.values == (10.0, 20.0, 30.0)


@pytest.mark.parametrize(
    ("tags", "black", "words"),
    [
        ({BLACK_LEVEL: (3, (0,))}, 0.0, []),
        ({BLACK_LEVEL: (3, (200, 202)), BLACK_REPEAT: (3, (4, 4))}, 201.0, ["levels (2) do not"]),
        ({BLACK_LEVEL: (3, (200, 900)), BLACK_REPEAT: (3, (4, 4))}, 0.0, ["levels (2) do not"]),
        ({BLACK_LEVEL: (5, (0, 0))}, 0.0, ["levels (1) do not"]),
        ({BLACK_LEVEL: (3, (200,))}, 200.0, []),
    ],
)
def test_levels_that_do_not_fit_are_said(tags: dict, black: float, words: list[str]) -> None:
    """The mean of too few levels serves where they are alike."""
    picture = np.random.default_rng(0).integers(300, 4000, (200, 200)).astype(np.uint16)
    level, notes = black_level(Readout(picture, 0, 0, 200, 200, RGGB, (0.0,) * 4, 16383.0, DngTags(tags)))
    assert level.mean == black
    assert len(notes) == len(words)
    assert all(word in note for word, note in zip(words, notes, strict=True))
