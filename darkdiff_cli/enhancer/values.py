"""What an enhancer makes on the way, and what it gives back."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from darkdiff_cli.gamut import OutsideSrgb
from darkdiff_cli.raw import Exposure
from darkdiff_models import Sampling
from darkdiff_models.detail import Samples
from darkdiff_models.tiling.planner import Plan


@dataclass(frozen=True)
class Developed:
    """What the networks see of a frame.

    Attributes:
        exposure: the frame and its amplification ratio.
        image: (h, w, 3) LRGB or (h, w, 4) Bayer planes float32, as the model takes it.
        samples: the mosaic, where detail is added from it.
    """

    exposure: Exposure
    image: Tensor
    samples: Samples | None


@dataclass(frozen=True)
class Rendered:
    """A picture, its source and its settings.

    Attributes:
        srgb_01: (h, w, 3) sRGB in [0, 1], in sensor orientation.
        exposure: the frame and its amplification ratio.
        sampling: settings of the diffusion that were used.
        plan: the denoiser's tiles.
        notes: sentences for the user about settings that had to be changed.
        gain: factor on linear light that the white level of the picture asked for, applied.
        halved: whether it was made at full size and then halved.
        outside: in sensor orientation, what of the light is outside sRGB; measured only for files that can hold it.
        doubt: (rows, columns) in sensor orientation, the error that is to be expected, where the settings ask for it.
    """

    srgb_01: NDArray[np.float32]
    exposure: Exposure
    sampling: Sampling
    plan: Plan
    notes: tuple[str, ...] = ()
    gain: float = 1.0
    halved: bool = False
    outside: OutsideSrgb | None = None
    doubt: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Enhanced:
    """A finished photo.

    Attributes:
        output: the file written.
        ratio: amplification ratio, exposure compensation included.
        width, height: in pixels, upright.
        steps, guidance: denoising steps and guidance scale that were used.
        frames: how many raws it was made of.
        strength: share of the enhancement.
        doubt: mean of the error that is to be expected, in units of the sRGB range, where its map was asked for.
        doubt_map: the map's file, where it was asked for.
        notes: as in `Rendered`.
    """

    output: Path
    ratio: float
    width: int
    height: int
    steps: int
    guidance: float
    frames: int = 1
    strength: float = 1.0
    doubt: float | None = None
    doubt_map: Path | None = None
    notes: tuple[str, ...] = ()
