"""The models on this machine: bundled, the user's own, and downloads in caches. Loads no torch."""

import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from darkdiff_cli.errors import InputError, OutputError
from darkdiff_models.digest import model_digest

if TYPE_CHECKING:
    from huggingface_hub import CachedRepoInfo, HFCacheInfo

Kind = Literal["DarkDiff", "Stable Diffusion", "LPIPS"]
Place = Literal["bundled", "local", "cached"]
Candidate = tuple[str, Place, Path]
"""Name, place and folder of what may be a model."""
INDEX, CARD = "model_index.json", "README.md"


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
            if (index := _index(folder)) is not None:
                models.append(_listed(name, place, folder, index))
    with _noting(faults, Path(HF_HUB_CACHE), "downloaded models are left out"):
        repos = _repos(_cache())
    for repo in repos:
        with _noting(faults, repo.repo_path, "this model is left out"):
            models.append(_cached(repo))
    return Listing([*models, *_lpips()], faults)


def clear_cache() -> list[ListedModel]:
    """Remove downloads: cached DarkDiff models, mirrors of Stable Diffusion 2.1, LPIPS weights. Nothing else.

    Returns:
        What was removed.

    Raises:
        OutputError: something cannot be removed; the rest is.
    """
    try:
        cache = _cache()
    except ValueError as error:  # a file in its place
        raise OutputError(f"{error}; remove it, or set HF_HUB_CACHE.") from error
    repos = _repos(cache)
    removed = [*(_cached(repo, known=False) for repo in repos), *_lpips()]
    if cache is not None and repos:
        cache.delete_revisions(*(revision.commit_hash for repo in repos for revision in repo.revisions)).execute()
    for weights in _lpips():
        Path(weights.path).unlink(missing_ok=True)
    for model in removed:
        if Path(model.path).exists():
            raise OutputError(f"{model.path}: cannot be removed; close the programs that use it, and try again.")
    return removed


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
    return ListedModel(name, place, "DarkDiff", size, _steps(index), card, str(folder), digest)


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


def _steps(index: dict[str, Any]) -> int | None:
    steps = index.get("default_steps")
    return steps if type(steps) is int else None


def _index(folder: Path, kind: str = "DarkDiffPipeline") -> dict[str, Any] | None:
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


def _cache() -> "HFCacheInfo | None":
    """The cache that the Hugging Face client shares between programs; None where nothing was ever downloaded."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        return scan_cache_dir()
    except CacheNotFound:
        return None


def _repos(cache: "HFCacheInfo | None") -> "list[CachedRepoInfo]":
    """The program's own downloads: DarkDiff models, and Stable Diffusion 2.1 from the mirrors that it tries."""
    repos = sorted(cache.repos, key=lambda repo: repo.repo_id) if cache is not None else []
    models = [repo for repo in repos if repo.repo_type == "model"]
    ours = [repo for repo in models if _newest(repo, "DarkDiffPipeline") is not None]
    other = [repo for repo in models if _newest(repo, "StableDiffusionPipeline") is not None]
    if other:
        from darkdiff_models.hub import MIRRORS

        mirrors = {name for names in MIRRORS.values() for name in names}
        ours += [repo for repo in other if repo.repo_id in mirrors]
    return ours


def _newest(repo: "CachedRepoInfo", kind: str) -> Path | None:
    """The newest snapshot of a kind of model."""
    revisions = sorted(repo.revisions, key=lambda revision: revision.last_modified, reverse=True)
    return next((path for one in revisions if _is_a(path := one.snapshot_path, kind)), None)


def _is_a(folder: Path, kind: str) -> bool:
    """Whether a snapshot is a model of a kind; what cannot be read may be another program's, and is passed over."""
    try:
        return _index(folder, kind) is not None
    except (OSError, ValueError):
        return False


def _cached(repo: "CachedRepoInfo", known: bool = True) -> ListedModel:
    """A download; without its digest where it need not be known, or `--clear-cache` would keep a damaged one."""
    from huggingface_hub.constants import ENDPOINT

    folder = _newest(repo, "DarkDiffPipeline")
    card, path = f"{ENDPOINT}/{repo.repo_id}", str(repo.repo_path)
    if folder is None:
        return ListedModel(repo.repo_id, "cached", "Stable Diffusion", repo.size_on_disk, None, card, path)
    steps, digest = _steps(_index(folder) or {}), model_digest(folder) if known else None
    return ListedModel(repo.repo_id, "cached", "DarkDiff", repo.size_on_disk, steps, card, path, digest, folder.name)


def _lpips() -> "Iterator[ListedModel]":
    import platformdirs

    for path in sorted(platformdirs.user_cache_path("darkdiff").glob("lpips_*")):
        yield ListedModel(path.name, "cached", "LPIPS", path.stat().st_size, None, None, str(path))
