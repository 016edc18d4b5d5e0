"""A model on this machine, and what its index says."""

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["DarkDiff", "Stable Diffusion", "LPIPS"]
Place = Literal["bundled", "local", "cached"]
INDEX = "model_index.json"


@dataclass(frozen=True)
class ListedModel:
    """A model on this machine.

    Attributes:
        name: what `--model` takes; of a base model, what `train --base` takes; of LPIPS weights, their file name.
        place: "bundled" with the program, "local" in a folder of the user's, or "cached" by a download.
        kind: what it is.
        size: bytes on disk.
        steps: default denoising steps of a DarkDiff model.
        card: where its model card is, a file or an address.
        path: its folder or file.
        digest: of a DarkDiff model's weights and settings, as the photos say it that it made.
        revision: the commit of a cached DarkDiff model.
    """

    name: str
    place: Place
    kind: Kind
    size: int
    steps: int | None
    card: str | None
    path: str
    digest: str | None = None
    revision: str | None = None


def read_index(folder: Path, kind: str = "DarkDiffPipeline") -> dict[str, Any] | None:
    """What diffusers wrote about the model in a folder; None where it is of another kind, or no model.

    Raises:
        OSError, ValueError: there is something else in its place, or it cannot be read.
    """
    path = folder / INDEX
    if not os.path.lexists(path):
        return None
    if not stat.S_ISREG(path.stat().st_mode):  # reading a pipe would wait for ever
        raise ValueError(f"{INDEX} is no plain file")
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{INDEX} is no JSON") from error
    return index if isinstance(index, dict) and index.get("_class_name") == kind else None


def default_steps(index: dict[str, Any]) -> int | None:
    """Denoising steps of a DarkDiff model; None where its index says none."""
    steps = index.get("default_steps")
    return steps if type(steps) is int else None
