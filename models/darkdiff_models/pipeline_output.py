"""The pipeline's progress reports and its result."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from darkdiff_models.sampling_settings import Sampling
from darkdiff_models.tiling.planner import Plan

StageProgress = Callable[[str, int, int], None]
"""(stage, done, total); the stage is "encode", "context", "denoise", "decode" or "detail"."""


@dataclass(frozen=True)
class DarkDiffOutput:
    """The pipeline's result.

    Attributes:
        srgb: (h, w, 3) float32 on the CPU, sRGB in [0, 1], or (H, W, 3) of the sensor's size; "raw-raw" models give
            (h, w, 4) Bayer planes under the sRGB curve.
        sampling: the settings that were used, the checkpoint's defaults filled in.
        plan: the denoiser's tiles, of the first view.
        notes: sentences for the user about tiles that had to be smaller than asked for.
    """

    srgb: Tensor
    sampling: Sampling
    plan: Plan
    notes: tuple[str, ...] = ()


class ViewProgress:
    """Converts progress within one view into progress over all views."""

    def __init__(self, report: StageProgress | None, view: int, views: int) -> None:
        self.report, self.view, self.views = report, view, views

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self.report is not None:
            self.report(stage, self.view * total + done, self.views * total)


class StepCounter:
    """Converts tiles done within a step into tiles done over all steps."""

    def __init__(self, report: StageProgress, steps: int) -> None:
        self.report, self.steps, self.step = report, steps, 0

    def __call__(self, done: int, tiles: int) -> None:
        self.report("denoise", self.step * tiles + done, self.steps * tiles)
        self.step += done == tiles
