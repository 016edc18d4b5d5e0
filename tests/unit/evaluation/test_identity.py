"""A resumed run takes over the scores of the very same pictures only."""

import torch

from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
from darkdiff_cli.evaluation.methods.method import Model
from darkdiff_models import SamplingSettings
from tests.conftest import make_pipeline


def identity(steps: int = 2, nudge: float = 0.0, **settings: object) -> str:
    pipeline = make_pipeline(**settings)
    with torch.no_grad():
        pipeline.unet.conv_out.bias += nudge
    return Model(Enhancer("toy", "cpu", pipeline), EnhanceSettings(sampling=SamplingSettings(steps=steps))).identity


def test_everything_that_changes_a_picture_is_in_a_models_identity() -> None:
    assert identity() == identity()
    others = [identity(steps=3), identity(nudge=1e-3), identity(expected_error=0.03), identity(tile=8)]
    assert len({identity(), *others}) == 5
