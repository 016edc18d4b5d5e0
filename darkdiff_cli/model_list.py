"""The models on this machine: bundled, the user's own, and downloads in caches. Loads no torch."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from darkdiff_cli.errors import InputError, OutputError
from darkdiff_models.digest import model_digest

if TYPE_CHECKING:
    from huggingface_hub import CachedRepoInfo, HFCacheInfo

Kind = Literal["DarkDiff", "Stable Diffusion", "LPIPS"]
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
    place: Literal["bundled", "local", "cached"]
    kind: Kind
    size: int
    steps: int | None
    card: str | None
    path: str
    digest: str | None = None
    revision: str | None = None


def list_models(folders: Sequence[Path]) -> list[ListedModel]:
    """The models on this machine: bundled, then local, then cached ones.

    Args:
        folders: to search for local models, each with two levels of subfolders.

    Raises:
        InputError: one of the folders does not exist.
    """
    cached = [_cached(repo) for repo in _repos(_cache())]
    return [*_bundled(), *_local(folders), *cached, *_lpips()]


def clear_cache() -> list[ListedModel]:
    """Remove downloads: cached DarkDiff models, mirrors of Stable Diffusion 2.1, LPIPS weights. Nothing else.

    Returns:
        What was removed.

    Raises:
        OutputError: something cannot be removed; the rest is.
    """
    cache = _cache()
    repos = _repos(cache)
    removed = [*(_cached(repo) for repo in repos), *_lpips()]
    if cache is not None and repos:
        cache.delete_revisions(*(revision.commit_hash for repo in repos for revision in repo.revisions)).execute()
    for weights in _lpips():
        Path(weights.path).unlink(missing_ok=True)
    for model in removed:
        if Path(model.path).exists():
            raise OutputError(f"{model.path}: cannot be removed; close the programs that use it, and try again.")
    return removed


def _bundled() -> "Iterator[ListedModel]":
    for folder in sorted(Path(str(files("darkdiff_models")), "pretrained").iterdir()):
        if (index := _index(folder)) is not None:
            yield _listed(folder.name, "bundled", folder, index)


def _local(folders: Sequence[Path]) -> "Iterator[ListedModel]":
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; give folders that hold models.")
        for place in sorted({folder, *folder.glob("*"), *folder.glob("*/*")}):
            if (index := _index(place)) is not None:
                yield _listed(str(place), "local", place, index)


def _listed(name: str, place: Literal["bundled", "local"], folder: Path, index: dict[str, Any]) -> ListedModel:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    card = str(folder / CARD) if (folder / CARD).is_file() else None
    return ListedModel(
        name, place, "DarkDiff", size, index.get("default_steps"), card, str(folder), model_digest(folder)
    )


def _index(folder: Path, kind: str = "DarkDiffPipeline") -> dict[str, Any] | None:
    """What diffusers wrote about the model in a folder; None where it is of another kind, or no model."""
    if not (folder / INDEX).is_file():  # reading a pipe would wait for ever
        return None
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
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
    found = (revision.snapshot_path for revision in revisions if _index(revision.snapshot_path, kind) is not None)
    return next(found, None)


def _cached(repo: "CachedRepoInfo") -> ListedModel:
    from huggingface_hub.constants import ENDPOINT

    folder = _newest(repo, "DarkDiffPipeline")
    card, path = f"{ENDPOINT}/{repo.repo_id}", str(repo.repo_path)
    if folder is None:
        return ListedModel(repo.repo_id, "cached", "Stable Diffusion", repo.size_on_disk, None, card, path)
    steps, digest = (_index(folder) or {}).get("default_steps"), model_digest(folder)
    return ListedModel(repo.repo_id, "cached", "DarkDiff", repo.size_on_disk, steps, card, path, digest, folder.name)


def _lpips() -> "Iterator[ListedModel]":
    import platformdirs

    for path in sorted(platformdirs.user_cache_path("darkdiff").glob("lpips_*")):
        yield ListedModel(path.name, "cached", "LPIPS", path.stat().st_size, None, None, str(path))
