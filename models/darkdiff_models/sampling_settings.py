"""Settings of the diffusion."""

from dataclasses import dataclass
from typing import Literal

MAX_GUIDANCE = 100.0  # far above what any picture gains from
MAX_SEED = 2**63 - 1  # as torch takes it
Size = Literal["full", "half", "paper"]
"""Of a picture: the sensor's width and height, or half of both; "paper" is half by the paper's networks alone."""


@dataclass(frozen=True)
class SamplingSettings:
    """Settings of the diffusion; None takes the checkpoint's default.

    Attributes:
        steps: denoising steps.
        guidance: guidance scale of Eq. 10; 1 runs the conditional branch only.
        sampler: "ddim" or "dpm++".
        views: how many mirrored and rotated views of the photo are averaged, 1 to 8; not in the paper. At full size the
            network that adds the mosaic's detail sees them, else all networks.
        tile: side of a denoiser tile in latents; smaller needs less memory. 0 takes the whole image at once. None
            takes the whole image where the checkpoint says so, else the tiles that need the fewest operations.
        seed: seed of the noise map.
        size: "full" is the sensor's, which needs a model with a network for it, and the mosaic. "half" is half of its
            width and height: where the light was good, the full-size picture's means of 2x2 pixels, whose colours lie
            on one another; in the dark, and for a model without that network, the paper's picture. "paper" is always
            the paper's.
    """

    steps: int | None = None
    guidance: float | None = None
    sampler: str | None = None
    views: int | None = None
    tile: int | None = None
    seed: int = 0
    size: Size | None = None


@dataclass(frozen=True)
class Sampling:
    """The settings that a picture is made with: `SamplingSettings` with the checkpoint's defaults filled in.

    Attributes as in `SamplingSettings`; a tile of None is planned for the picture's size.
    """

    steps: int
    guidance: float
    sampler: str
    views: int
    tile: int | None
    seed: int
    size: Size = "half"
