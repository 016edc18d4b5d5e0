"""Find the models on this machine: bundled, the user's own, and downloads in caches."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darkdiff_cli.errors import InputError
from darkdiff_cli.model_list.downloads import cached_model, hub_cache, lpips_weights, own_repos
from darkdiff_cli.model_list.listed import ListedModel, Place, default_steps, read_index
from darkdiff_models.digest import model_digest

if TYPE_CHECKING:
    from huggingface_hub import CachedRepoInfo

Candidate = tuple[str, Place, Path]
"""Name, place and folder of what may be a model."""
CARD = "README.md"


@dataclass(frozen=True)
class Listing:
    """What was found on this machine.

    Attributes:
        models: bundled, then local, then cached ones.
        faults: sentences about models that cannot be read, which are not among them.
    """

    models: list[ListedModel]
    faults: list[str]


def list_models(folders: Sequence[Path]) -> Listing:
    """The models on this machine; one that cannot be read hides no other.

    Args:
        folders: to search for local models, each with two levels of subfolders.

    Raises:
        InputError: one of the folders does not exist.
    """
    from huggingface_hub.constants import HF_HUB_CACHE

    models: list[ListedModel] = []
    faults: list[str] = []
    repos: list[CachedRepoInfo] = []
    for name, place, folder in [*_bundled(), *_local(folders)]:
        with _noting(faults, folder, "this model is left out"):
            if (index := read_index(folder)) is not None:
                models.append(_listed(name, place, folder, index))
    with _noting(faults, Path(HF_HUB_CACHE), "downloaded models are left out"):
        repos = own_repos(hub_cache())
    for repo in repos:
        with _noting(faults, repo.repo_path, "this model is left out"):
            models.append(cached_model(repo))
    return Listing([*models, *lpips_weights()], faults)


@contextmanager
def _noting(faults: list[str], place: Path, so: str) -> Iterator[None]:
    """Within this context an error about a file becomes a sentence, and ends nothing else."""
    try:
        yield
    except (OSError, ValueError) as error:
        file, why = getattr(error, "filename", None) or place, getattr(error, "strerror", None) or error
        faults.append(f"{file}: cannot be read ({why}); {so}.")


def _bundled() -> Iterator[Candidate]:
    for folder in sorted(Path(str(files("darkdiff_models")), "pretrained").iterdir()):
        yield folder.name, "bundled", folder


def _local(folders: Sequence[Path]) -> Iterator[Candidate]:
    for folder in folders:
        if not os.path.isdir(folder):
            raise InputError(f"{folder}: no such folder; give folders that hold models.")
        for place in sorted({folder, *folder.glob("*"), *folder.glob("*/*")}):
            yield str(place), "local", place


def _listed(name: str, place: Place, folder: Path, index: dict[str, Any]) -> ListedModel:
    _check_weights(folder)
    digest = model_digest(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    card = str(folder / CARD) if (folder / CARD).is_file() else None
    return ListedModel(name, place, "DarkDiff", size, default_steps(index), card, str(folder), digest)


def _check_weights(folder: Path) -> None:
    """Look at the headers of a model's weights, which tell a file that was cut off; no torch is needed for this.

    Raises:
        OSError, ValueError: a file is out of reach or damaged.
    """
    from safetensors import SafetensorError, safe_open

    for path in filter(Path.is_file, sorted(folder.glob("*/*.safetensors"))):  # what is no file, its digest says
        try:
            with safe_open(path, "np"):
                pass
        except SafetensorError as error:
            raise ValueError(f"{path.relative_to(folder)} is damaged: {error}") from error
