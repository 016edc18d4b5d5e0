"""A checkpoint that is not what a run has written is one sentence, and no step is trained on it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from darkdiff_cli.datasets import PhotoPairs, SynthesisSettings
from darkdiff_cli.errors import TrainingError
from darkdiff_cli.training.loop.batches import Cut
from darkdiff_cli.training.loop.checkpoints import checkpoints, newest_checkpoint
from darkdiff_cli.training.loop.machine import RunSettings, make_accelerator
from darkdiff_cli.training.loop.state import RunState
from darkdiff_cli.training.loop.trainer import Trainer
from tests.train.test_loop import PLAN, run, stage_one

Tensors, Notes = dict[str, Tensor], dict[str, str]
DAMAGED, MISFIT = ": is damaged (", ": does not fit the recipe's networks"


def fresh(optimizer: str) -> RunState:
    """The state of a run that begins."""
    settings = RunSettings(Path("unused"), device="cpu", precision="fp32")
    return Trainer(stage_one(optimizer=optimizer), make_accelerator(settings), settings, Cut.of(PLAN, 0, 1)).state


@pytest.fixture(scope="module", params=["adam", "muon"])
def written(request, photo_folder: Path, tmp_path_factory) -> tuple[str, Path]:
    """An optimiser, and a checkpoint of a run with it."""
    folder, data = tmp_path_factory.mktemp(request.param), PhotoPairs(photo_folder, SynthesisSettings(), 32)
    run(stage_one(optimizer=request.param, steps=2), (data, data), folder)
    newest = newest_checkpoint(folder / "stage1" / "checkpoints")
    assert newest is not None
    return request.param, newest


def changed(source: Path, folder: Path, change: Callable[[Tensors, Notes], object]) -> Path:
    """A copy of a checkpoint with other content."""
    with safe_open(source, "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        notes = file.metadata()
    change(tensors, notes)
    save_file(tensors, folder / source.name, metadata=notes or None)
    return folder / source.name


def moment(tensors: Tensors) -> str:
    """The name of one of the optimiser's tensors."""
    return next(key for key in tensors if key.startswith("optimizer/model/") and not key.endswith("/step"))


def turned(tensors: Tensors, key: str) -> None:
    tensors[key] = tensors[key].flatten()[None].clone()


def weight(tensors: Tensors) -> str:
    return next(key for key in tensors if key.startswith("module/vae/") and tensors[key].ndim == 4)


def optimisers(tensors: Tensors) -> list[str]:
    return [key for key in tensors if key.startswith("optimizer/")]


def square(tensors: Tensors) -> str:
    """The name of one of the optimiser's mean squares."""
    return next(key for key in optimisers(tensors) if key.endswith(("/exp_avg_sq", "/square")))


def at_step(tensors: Tensors, step: float) -> None:
    tensors.update({key: torch.tensor(step) for key in tensors if key.endswith("/step")})


def regrouped(notes: Notes, **changes: object) -> str:
    """The groups of a checkpoint with other settings."""
    groups = json.loads(notes["groups"])
    return json.dumps({player: [group | changes for group in value] for player, value in groups.items()})


CHANGES: dict[str, tuple[Callable[[Tensors, Notes], object], str]] = {
    "no notes": (lambda _, notes: notes.clear(), DAMAGED),
    **{
        f"groups {text}": (lambda _, notes, text=text: notes.update(groups=text), DAMAGED)
        for text in ("", "[]", "null", "NaN", "-1", "1e999", '"x"', "[1]", "9" * 5000, '{"model": [1]}')
    },
    **{
        f"step {text}": (lambda _, notes, text=text: notes.update(step=text), DAMAGED)
        for text in ("", "-1", "3", "1e999", "99999999999999999999", "[2]")
    },
    "a step that is no whole number": (lambda _, notes: notes.update(step="2.0"), DAMAGED),
    "betas": (lambda _, notes: notes.update(groups=regrouped(notes, betas=[5])), DAMAGED + "betas of its"),
    "no eps": (lambda _, notes: notes.update(groups=regrouped(notes, eps=None)), DAMAGED + "eps of its"),
    "a rate": (lambda _, notes: notes.update(groups=regrouped(notes, lr="x")), DAMAGED + "lr of its"),
    "no optimiser": (lambda tensors, _: [tensors.pop(key) for key in optimisers(tensors)], DAMAGED + "it holds"),
    **{
        f"optimiser at {step}": (lambda tensors, _, step=step: at_step(tensors, step), DAMAGED + "step of its")
        for step in (-5.0, 3.0, 0.5)
    },
    "squares": (lambda tensors, _: tensors[square(tensors)].fill_(-1), DAMAGED),
    "scaler's scale": (lambda _, notes: notes.update(scaler='{"scale": "x"}'), DAMAGED),
    "terms": (lambda _, notes: notes.update(terms="[]"), DAMAGED),
    "scaler": (lambda _, notes: notes.update(scaler="[]"), DAMAGED),
    "no player": (lambda _, notes: notes.update(groups="{}"), MISFIT),
    "empty group": (lambda _, notes: notes.update(groups=json.dumps({"model": [{}], "discriminator": [{}]})), MISFIT),
    "a name": (lambda tensors, _: tensors.update(zz=tensors.pop(moment(tensors))), DAMAGED),
    "a moment": (lambda tensors, _: tensors.update({moment(tensors) + "_": tensors.pop(moment(tensors))}), MISFIT),
    "a moment's shape": (lambda tensors, _: turned(tensors, moment(tensors)), MISFIT),
    "a weight's type": (lambda tensors, _: tensors.update({weight(tensors): tensors[weight(tensors)].int()}), MISFIT),
    "a weight's value": (lambda tensors, _: tensors[weight(tensors)].fill_(torch.nan), DAMAGED),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_checkpoint_is_one_sentence(written: tuple[str, Path], name: str, tmp_path: Path) -> None:
    (optimizer, path), (change, words) = written, CHANGES[name]
    state = fresh(optimizer)
    with pytest.raises(TrainingError) as failure:
        state.load(changed(path, tmp_path, change))
    assert str(failure.value).startswith(f"{tmp_path / path.name}{words}")
    assert state.step == 0


def test_an_unchanged_one_is_gone_on_from_by_the_same_optimiser_alone(
    written: tuple[str, Path], tmp_path: Path
) -> None:
    optimizer, path = written
    copy = changed(path, tmp_path, lambda _tensors, _notes: None)
    state = fresh(optimizer)
    state.load(copy)
    assert state.step == 2
    other = {"adam": "muon", "muon": "adam"}[optimizer]
    with pytest.raises(TrainingError) as failure:
        fresh(other).load(copy)
    assert str(failure.value) == (
        f"{copy}: was trained with optimizer: {optimizer}, and the recipe says {other}; set it as it was, or choose "
        "another --output."
    )


@pytest.mark.skipif(os.name == "nt", reason="there are no named pipes in folders")
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file_in_the_place_of_a_checkpoint_is_not_opened(make, tmp_path: Path) -> None:
    path = tmp_path / "step-00000002.safetensors"
    make(path)
    with pytest.raises(TrainingError, match=r"is damaged \(it is no file\); delete it to resume from the one before"):
        RunState({}, {}, {}).load(path)


def test_checkpoints_are_known_by_their_names_and_in_the_order_of_their_steps(tmp_path: Path) -> None:
    steps = ("00000002", "00000010", "100000000", "abc", "0000000²", "-0000005", "2")
    for step in steps:
        (tmp_path / f"step-{step}.safetensors").touch()
    assert [path.stem for path in checkpoints(tmp_path)] == [f"step-{step}" for step in steps[:3]]
    assert newest_checkpoint(tmp_path / "none") is None
