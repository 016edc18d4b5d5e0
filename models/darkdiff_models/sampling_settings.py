"""Settings of the diffusion."""

from dataclasses import asdict, dataclass, replace
from typing import Literal

MAX_GUIDANCE = 100.0  # far above what any picture gains from
MAX_SEED = 2**63 - 1  # as torch takes it
MAX_VIEWS = 8  # the symmetries of a square
Size = Literal["full", "paper"]
"""Of a picture: the sensor's width and height, or half of both, as LRGB has, by the paper's networks alone."""


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
        size: "full" is the sensor's, which needs a model with a network for it, and the mosaic; "paper" is the paper's.
    """

    steps: int | None = None
    guidance: float | None = None
    sampler: str | None = None
    views: int | None = None
    tile: int | None = None
    seed: int = 0
    size: Size | None = None

    def over(self, defaults: "Sampling") -> "Sampling":
        """These settings, with defaults in place of None."""
        used = replace(defaults, **{name: value for name, value in asdict(self).items() if value is not None})
        return replace(used, guidance=float(used.guidance))


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
    size: Size = "paper"

    def check(self, multiple: int) -> None:
        """Check the ranges, but for the steps and the sampler, which `sample` and `make_scheduler` check.

        Args:
            multiple: of a tile's side.

        Raises:
            ValueError: the guidance, the views, the seed or the tile size are out of range.
        """
        if not 1 <= self.views <= MAX_VIEWS:
            raise ValueError(f"views must be from 1 to {MAX_VIEWS}, got {self.views}")
        if not 0 <= self.guidance <= MAX_GUIDANCE:
            raise ValueError(f"guidance must be from 0 to {MAX_GUIDANCE:g}, got {self.guidance}")
        if not 0 <= self.seed <= MAX_SEED:
            raise ValueError(f"seed must be from 0 to {MAX_SEED}, got {self.seed}")
        if self.tile is not None and (self.tile % multiple or self.tile < 0):
            raise ValueError(f"tile must be 0 or a multiple of {multiple}, got {self.tile}")
