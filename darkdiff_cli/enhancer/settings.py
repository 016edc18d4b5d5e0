"""What an enhancer is given. Needs no torch, so that wrong settings are refused at once."""

from dataclasses import dataclass, field

from darkdiff_cli.photo import PhotoSettings
from darkdiff_cli.raw import ExposureSettings
from darkdiff_models import SamplingSettings


@dataclass(frozen=True)
class EnhanceSettings:
    """All settings of a photo.

    Attributes:
        exposure: how the raw is developed.
        sampling: settings of the diffusion.
        photo: how the file is written.
        halved: whether a picture of full size is halved once it is finished.
        doubt: whether it is also measured how wrong each place may be.
    """

    exposure: ExposureSettings = field(default_factory=ExposureSettings)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    photo: PhotoSettings = field(default_factory=PhotoSettings)
    halved: bool = False
    doubt: bool = False
