"""What the pipeline tells on its way, and what it returns."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from darkdiff_models.sampling_settings import Sampling

StageProgress = Callable[[str, int, int], None]
"""(stage: "encode", "context", "denoise" or "decode"; done; in all)."""


@dataclass(frozen=True)
class DarkDiffOutput:
    """What the pipeline returns.

    Attributes:
        srgb: (h, w, 3) float32 on the CPU, sRGB in [0, 1]; of "raw-raw" models (h, w, 4) Bayer planes under its curve.
        sampling: the settings that were used, after the checkpoint's defaults.
    """

    srgb: Tensor
    sampling: Sampling


class ViewProgress:
    """Turns what is done of one view into what is done of all."""

    def __init__(self, report: StageProgress | None, view: int, views: int) -> None:
        self.report, self.view, self.views = report, view, views

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self.report is not None:
            self.report(stage, self.view * total + done, self.views * total)


class StepCounter:
    """Turns tiles done within a step into tiles done in all."""

    def __init__(self, report: StageProgress, steps: int) -> None:
        self.report, self.steps, self.step = report, steps, 0

    def __call__(self, done: int, tiles: int) -> None:
        self.report("denoise", self.step * tiles + done, self.steps * tiles)
        self.step += done == tiles
