"""Photosites that are darker than noise can be do not reach the networks."""

import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw import ExposureSettings, RawFrame
from darkdiff_cli.raw.below_black import without_impossible_black
from darkdiff_cli.raw.black_level import BlackLevel

OFF = ExposureSettings()


def frame(mosaic: np.ndarray, black: float = 512.0) -> RawFrame:
    return RawFrame(mosaic, Cfa.bayer("RGGB"), BlackLevel.uniform(black), 16383.0, (1.0, 1.0, 1.0))


def night(read: float = 3.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.rint(rng.poisson(20, (256, 256)) + rng.normal(512, read, (256, 256))).astype(np.uint16)


@pytest.mark.parametrize("value", [0, 257])
@pytest.mark.parametrize("is_above", [False, True])
def test_a_lost_sector_becomes_unlit_and_the_rest_stays(value: int, is_above: bool) -> None:
    mosaic = night()
    mosaic.ravel()[10_100:10_356] = value
    whole = frame(mosaic)
    light = without_impossible_black(whole.above_black() if is_above else whole, OFF).light_dn()
    assert not light.ravel()[10_100:10_356].any()
    light.ravel()[10_100:10_356] = np.float32(value - 512.0)
    assert np.array_equal(light, mosaic - np.float32(512))


@pytest.mark.parametrize("read", [3.0, 80.0])
def test_noise_stays(read: float) -> None:
    whole = frame(night(read))
    assert without_impossible_black(whole, OFF) is whole


def test_a_black_level_that_is_wrong_is_left_alone() -> None:
    whole = frame(night(), black=1024.0)
    assert without_impossible_black(whole, OFF) is whole
