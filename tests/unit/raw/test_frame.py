import numpy as np
import pytest

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw import RawFrame
from darkdiff_cli.raw.black_level import BlackLevel

RGGB = Cfa.bayer("RGGB")


@pytest.mark.parametrize(
    ("mosaic", "black", "white", "words"),
    [
        (np.zeros((4, 4)), BlackLevel.uniform(0.0), 0.0, "white level 0.0 is not above"),
        (np.zeros((4, 4, 3)), BlackLevel.uniform(0.0), 100.0, "at least 2x2 pixels"),
        (np.zeros((1, 4)), BlackLevel.uniform(0.0), 100.0, "at least 2x2 pixels"),
    ],
)
def test_impossible_frames_are_refused(mosaic: np.ndarray, black: BlackLevel, white: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        RawFrame(mosaic, RGGB, black, white, (1.0, 1.0, 1.0))


def test_a_crop_keeps_the_pattern() -> None:
    frame = RawFrame(np.arange(80.0).reshape(8, 10), RGGB, BlackLevel.uniform(0.0), 100.0, (1.0, 1.0, 1.0))
    part = frame.crop(1, 2, 2, 3)
    assert part.mosaic_dn.tolist() == frame.mosaic_dn[2:6, 4:10].tolist()
    with pytest.raises(ValueError, match="a crop of 2x4"):
        frame.crop(1, 2, 2, 4)
