"""What the sensor counted beyond the picture: its noise, to be put back as grain (`--strength`)."""

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.colour import LUMINANCE_WEIGHTS, srgb_decode
from darkdiff_cli.raw.develop import develop
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.sparse import sparse_colours, spread

SPREAD = 0.8  # photosites, standard deviation of the Gaussian that carries a colour to places where none was seen


def grain(picture: NDArray[np.float32], frame: RawFrame, ratio: float, strength: float) -> NDArray[np.float32]:
    """What to add to the picture's linear light, so that this much of the noise is gone.

    Colours of noise leave sooner than its luminance: grain is grey.

    Args:
        picture: (h, w, 3) sRGB in [0, 1], of the size of LRGB or of the mosaic.
        frame: the raw.
        ratio: amplification ratio of the picture.
        strength: in [0, 1]; 0 gives all of the sensor's noise back.

    Returns:
        (h, w, 3) linear sRGB, positive and negative, so that it is no veil.
    """
    return np.asarray(beyond(picture, frame, ratio) @ shares(strength).T, dtype=np.float32)


def shares(strength: float) -> NDArray[np.float32]:
    """(3, 3) linear sRGB of the sensor's noise to that of the grain: a share of its luminance, and less of the rest."""
    grey, share = np.tile(LUMINANCE_WEIGHTS, (3, 1)), np.float32(1 - strength)
    return np.asarray(share * grey + share**2 * (np.eye(3, dtype=np.float32) - grey))


def beyond(picture: NDArray[np.float32], frame: RawFrame, ratio: float) -> NDArray[np.float32]:
    """The amplified light of the sensor less the picture's: its mean is zero where the picture is right.

    At half size this is LRGB less the picture. At full size each photosite says it of its own colour, and the places
    between get the mean of those around; so detail of the picture stays, and no demosaicing softens it.

    Args:
        picture: (h, w, 3) sRGB in [0, 1], of the size of LRGB or of the mosaic.
        frame: the raw.
        ratio: amplification ratio of the picture.

    Returns:
        (h, w, 3) linear sRGB, positive and negative.
    """
    linear = srgb_decode(picture)
    if picture.shape[:2] == frame.lrgb_shape:
        return develop(frame, ratio, "srgb").pixels - linear
    colours, mask = sparse_colours(frame, ratio)
    own = (linear @ np.linalg.inv(frame.matrix).T.astype(np.float32)).transpose(2, 0, 1)
    counted = (np.minimum(colours, np.float32(1.0)) - own) * mask
    return np.asarray(spread(counted, mask, SPREAD) @ frame.matrix.T.astype(np.float32), dtype=np.float32)
