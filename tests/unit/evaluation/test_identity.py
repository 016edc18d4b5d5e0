"""A resumed run takes over the scores of the very same pictures only."""

from pathlib import Path

import numpy as np
import torch

from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
from darkdiff_cli.evaluation.methods.baselines import Regression
from darkdiff_cli.evaluation.methods.models import Model, WithoutDiffusion
from darkdiff_cli.raw import develop, read_raw
from darkdiff_models import SamplingSettings
from darkdiff_models.learning.sid_unet import SidUNet
from tests.conftest import make_pipeline


def enhancer(folder: Path, nudge: float = 0.0, **settings: object) -> Enhancer:
    pipeline = make_pipeline(**settings)
    with torch.no_grad():
        pipeline.unet.conv_out.bias += nudge
    pipeline.save_pretrained(folder)
    return Enhancer(str(folder), "cpu")


def test_everything_that_changes_a_picture_is_in_a_models_identity(tmp_path: Path) -> None:
    def identity(number: int, steps: int = 2, **changes: object) -> str:
        settings = EnhanceSettings(sampling=SamplingSettings(steps=steps))
        return Model(enhancer(tmp_path / str(number) / "toy", **changes), settings).identity

    changes = [{}, {"nudge": 1e-3}, {"expected_error": 0.03}, {"tile": 8}, {"steps": 3}]
    identities = [identity(number, **change) for number, change in enumerate(changes)]
    assert len(set(identities)) == len(changes)
    assert identity(len(changes)) == identities[0]


def test_colours_registered_or_not_make_another_picture_and_identity(dark_dng: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, frame = enhancer(tmp_path / "toy"), read_raw(dark_dng)
    plain, registered = (WithoutDiffusion(model, "stage1", "file", 1, colours) for colours in (False, True))
    assert plain.identity != registered.identity
    for method in (plain, registered):
        image = torch.from_numpy(develop(frame, 40.0, register_colours=method.register_colours).pixels)
        expected = model.pipeline.reconstruct(image, None, False, 1).numpy()
        assert np.array_equal(method.render(frame, None, 40.0), expected)
    assert not np.array_equal(plain.render(frame, None, 40.0), registered.render(frame, None, 40.0))


def test_weights_are_in_the_identity_of_whatever_has_them(tmp_path: Path) -> None:
    ceilings = [
        WithoutDiffusion(enhancer(tmp_path / str(nudge) / "toy", nudge), "stage1", "auto").identity
        for nudge in (0.0, 1e-3)
    ]
    assert ceilings[0] != ceilings[1]
    networks = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        SidUNet(width=4).save_pretrained(tmp_path / f"sid-{seed}")
        networks.append(Regression(tmp_path / f"sid-{seed}", "sid-unet", "cpu", "auto").identity)
    assert networks[0] != networks[1]
