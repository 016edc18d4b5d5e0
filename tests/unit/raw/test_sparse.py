import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw import RawFrame
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.noise import MeasuredNoise
from darkdiff_cli.raw.sparse import noise_of_colours, sparse_colours
from darkdiff_cli.synthesis.unprocess import XTRANS

BALANCE = (2.0, 1.0, 1.5)


def frame(cfa: Cfa | None, shape: tuple[int, ...]) -> RawFrame:
    values = np.random.default_rng(0).integers(0, 900, shape).astype(np.uint16)
    return RawFrame(values, cfa, BlackLevel.uniform(100.0), 1100.0, BALANCE)


@pytest.mark.parametrize("cfa", [Cfa.bayer("GBRG"), XTRANS])
def test_each_site_has_its_colour_and_no_other(cfa: Cfa) -> None:
    raw = frame(cfa, (13, 11))
    colours, mask = sparse_colours(raw, 3.0)
    assert (mask.sum(axis=0) == 1).all()
    for row in range(13):
        for column in range(11):
            colour = "RGB".index(cfa.pattern[row % cfa.period[0]][column % cfa.period[1]])
            value = min((float(raw.mosaic_dn[row, column]) - 100) * 3 * BALANCE[colour] / 1000, 1.0)
            assert mask[colour, row, column] == 1
            assert colours[colour, row, column] == pytest.approx(value, abs=1e-6)
    assert (colours[mask == 0] == 0).all()
    assert colours.min() < 0


def test_every_pixel_of_a_demosaiced_raw_has_all_colours() -> None:
    colours, mask = sparse_colours(frame(None, (5, 7, 3)), 1.0)
    assert colours.shape == mask.shape == (3, 5, 7)
    assert (mask == 1).all()


def test_noise_is_in_the_unit_of_the_colours() -> None:
    numbers = noise_of_colours(frame(Cfa.bayer("RGGB"), (4, 4)), 10.0, MeasuredNoise(2.0, 3.0))
    assert numbers.tolist() == [pytest.approx([2 * unit, 9 * unit**2]) for unit in (0.02, 0.01, 0.015)]
