"""Dumps of a sensor without a header: LibRaw takes any file of certain sizes for a raw of some camera."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.errors import InputError
from darkdiff_cli.raw.dng_tags import DngTags
from darkdiff_cli.raw.opening import known_by_size_alone

PART = 512  # photosites, side of the part that is looked at
UNLIKE = 0.05  # correlation of neighbours, below which a picture has no shapes
WIDE = 0.2  # of the range: standard deviation above which it is not just dark; of random bits it is 0.29
NOTE = (
    "that it is a raw is LibRaw's guess from the file's size alone, since no camera is named in it: "
    "look whether the picture is one"
)


def doubts_about(
    path: Path, mosaic: NDArray[np.generic], period: int, metadata: CaptureMetadata, dng: DngTags | None
) -> tuple[str, ...]:
    """A note on a file of which nothing but its size says that it is a raw; none on any other.

    Args:
        path: the file.
        mosaic: (H, W) or (H, W, 3) in DN.
        period: columns after which the colour filter repeats.
        metadata: what is known about the shot.
        dng: the file's tags.

    Raises:
        InputError: it holds random bits.
    """
    if dng is not None or metadata.make is not None or not known_by_size_alone(path):
        return ()
    if _is_noise(mosaic[:PART, :PART].astype(np.float64), period):
        raise InputError(
            f"{path}: holds nothing but noise, and LibRaw takes it for a raw by its size alone; give the camera's "
            "original file."
        )
    return (NOTE,)


def _is_noise(mosaic: NDArray[np.float64], period: int) -> bool:
    """Whether photosites are spread over all values and know nothing of their neighbours of the same colour."""
    spread = float(mosaic.std()) / max(float(mosaic.max() - mosaic.min()), 1.0)
    here, next_to = mosaic[:, :-period].ravel(), mosaic[:, period:].ravel()
    return spread > WIDE and abs(float(np.corrcoef(here, next_to)[0, 1])) < UNLIKE
