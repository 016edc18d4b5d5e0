"""What a caller may choose of the diffusion."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SamplingSettings:
    """Settings of the diffusion; None means "as the checkpoint says".

    Attributes:
        steps: denoising steps.
        guidance: guidance scale of Eq. 10; 1 runs the conditional branch only.
        sampler: "ddim" or "dpm++".
        views: of the photo, mirrored and turned, whose pictures are averaged, 1 to 8; not in the paper.
        tile: side of a denoiser tile in latents; smaller needs less memory.
        seed: of the noise map.
    """

    steps: int | None = None
    guidance: float | None = None
    sampler: str | None = None
    views: int | None = None
    tile: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class Sampling:
    """Settings of the diffusion after the checkpoint's defaults: what a picture was, or will be, made with.

    Attributes as in `SamplingSettings`.
    """

    steps: int
    guidance: float
    sampler: str
    views: int
    tile: int
    seed: int
