"""What timed training steps showed, as tables."""

from collections.abc import Sequence
from typing import get_args

from darkdiff_cli.evaluation.speed.training import TrainingSpeed
from darkdiff_cli.training.loop.trainer import Part

PARTS: tuple[Part, ...] = get_args(Part)


def rate_table(found: Sequence[TrainingSpeed]) -> list[list[str]]:
    """Rows of text: images and arithmetic a second, and the seconds of a step by part; the first row is the head."""
    seconds = [f"{part} s" for part in PARTS]
    table = [["stage", "images/s", "TFLOP/step", "TFLOP/s", "of matrix peak", *seconds, "step s"]]
    for one in found:
        rates = [f"{one.images_per_second:.3g}", f"{one.step_teraflop:.3g}", f"{one.teraflops:.3g}"]
        parts = [f"{one.seconds_by_part[part]:.3f}" for part in PARTS]
        table.append([one.stage, *rates, f"{one.share_of_peak:.0%}", *parts, f"{one.seconds:.3f}"])
    return table


def held_table(found: Sequence[TrainingSpeed]) -> list[list[str]]:
    """Rows of text: gigabytes by what they hold, and the peak."""
    kinds = list(dict.fromkeys(kind for one in found for kind in one.gigabytes))
    table = [["stage, GB", *kinds, "peak"]]
    for one in found:
        table.append([one.stage, *(f"{one.gigabytes[kind]:.3f}" for kind in kinds), f"{one.peak_gigabytes:.3f}"])
    return table
