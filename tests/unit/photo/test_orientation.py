import numpy as np
import pytest
from PIL import Image, ImageOps

from darkdiff_cli.photo import upright


@pytest.mark.parametrize("orientation", range(1, 9))
def test_same_as_pillow(orientation: int) -> None:
    picture = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    image = Image.fromarray(picture)
    image.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(upright(picture.astype(np.float32), orientation), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_map_turns_as_the_picture_does(orientation: int) -> None:
    picture = np.random.default_rng(0).random((4, 6, 3)).astype(np.float32)
    assert np.array_equal(upright(picture[..., 0], orientation), upright(picture, orientation)[..., 0])


def test_unknown_orientation_is_refused() -> None:
    with pytest.raises(ValueError, match="orientation"):
        upright(np.zeros((2, 2, 3), np.float32), 9)
