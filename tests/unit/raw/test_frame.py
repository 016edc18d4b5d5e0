import numpy as np
import pytest

from darkdiff_cli.raw import RawFrame


@pytest.mark.parametrize(
    ("mosaic", "cfa", "white"),
    [(np.zeros((4, 4)), "RGBG", 100.0), (np.zeros((4, 4)), "RRGB", 100.0), (np.zeros((1, 4)), "RGGB", 100.0)],
)
def test_impossible_frames_are_refused(mosaic: np.ndarray, cfa: str, white: float) -> None:
    if cfa == "RGBG":
        white = 0.0  # a white level that is not above black
    with pytest.raises(ValueError, match=r"cfa|pixels|white"):
        RawFrame(mosaic, cfa, (0.0,) * 4, white, (1.0, 1.0, 1.0))
