"""One step of training, and what it says of its parts."""

from pathlib import Path

import pytest

from darkdiff_cli.interrupt import StopRequest
from darkdiff_cli.training.loop.batches import Cut
from darkdiff_cli.training.loop.machine import RunSettings, make_accelerator
from darkdiff_cli.training.loop.trainer import Trainer
from tests.train.test_loop import data, stage_one  # noqa: F401 (data is a fixture)


@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_step_marks_its_parts_in_order(data, accumulation: int, tmp_path: Path) -> None:  # noqa: F811
    stage, marked = stage_one(accumulation=accumulation), []
    settings = RunSettings(tmp_path, workers=0, device="cpu", precision="fp32")
    cut = Cut.of(stage.optimisation, 0, 1)
    trainer = Trainer(stage, make_accelerator(settings), settings, cut, marked.append)
    trainer.step(trainer.parts(data[0]), StopRequest())
    assert marked == [*["data", "gradients"] * accumulation, "optimiser", "rest"]
