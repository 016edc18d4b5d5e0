"""The colour filter as data: patterns of any period."""

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa

X_TRANS = Cfa(("GGRGGB", "GGBGGR", "BRGRBG", "GGBGGR", "GGRGGB", "RBGBRG"))


def test_a_bayer_pattern_by_its_order() -> None:
    cfa = Cfa.bayer("GBRG")
    assert str(cfa) == "GBRG"
    assert cfa.is_bayer
    assert [(site.row, site.column, site.colour) for site in cfa.sites] == [(0, 0, 1), (0, 1, 2), (1, 0, 0), (1, 1, 1)]


@pytest.mark.parametrize("order", ["RRGB", "RGG", "RGGBX", "rggb", ""])
def test_other_orders_are_no_bayer_pattern(order: str) -> None:
    with pytest.raises(ValueError, match="cfa"):
        Cfa.bayer(order)


def test_planes_of_all_sites_are_the_whole_mosaic_and_can_be_written_to() -> None:
    mosaic = np.arange(14 * 13).reshape(14, 13)
    seen = np.concatenate([X_TRANS.plane(mosaic, site).ravel() for site in X_TRANS.sites])
    assert sorted(seen.tolist()) == list(range(14 * 13))
    assert [sum(site.colour == colour for site in X_TRANS.sites) for colour in range(3)] == [8, 20, 8]
    for site in X_TRANS.sites:
        X_TRANS.plane(mosaic, site)[:] = site.colour
    assert mosaic[2].tolist() == [2, 0, 1, 0, 2, 1] * 2 + [2]  # "BRGRBG"
    assert X_TRANS.whole(mosaic).shape == (12, 12)


def test_a_value_for_each_site_is_spread_over_odd_sizes() -> None:
    assert Cfa.bayer("RGGB").spread((1, 2, 3, 4), (3, 5)).tolist() == [
        [1, 2, 1, 2, 1],
        [3, 4, 3, 4, 3],
        [1, 2, 1, 2, 1],
    ]


def test_an_odd_corner_turns_the_pattern() -> None:
    assert [str(Cfa.bayer("RGGB").seen_from(*corner)) for corner in ((0, 0), (0, 1), (1, 0), (1, 1), (2, 3))] == [
        "RGGB", "GRBG", "GBRG", "BGGR", "GRBG",
    ]  # fmt: skip
    assert X_TRANS.seen_from(1, 2).pattern[0] == "BGGRGG"
    assert X_TRANS.seen_from(6, 12) == X_TRANS


def test_a_quad_bayer_pattern_is_no_bayer_pattern() -> None:
    quad = Cfa(("RRGG", "RRGG", "GGBB", "GGBB"))
    assert quad.period == (4, 4)
    assert not quad.is_bayer
