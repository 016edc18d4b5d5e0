"""Downloads: what is in the cache of the Hugging Face client, and in the program's own."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from darkdiff_cli.errors import OutputError
from darkdiff_cli.model_list.listed import ListedModel, default_steps, read_index
from darkdiff_models.digest import model_digest

if TYPE_CHECKING:
    from huggingface_hub import CachedRepoInfo, HFCacheInfo


def clear_cache() -> list[ListedModel]:
    """Remove downloads: cached DarkDiff models, mirrors of Stable Diffusion 2.1, LPIPS weights. Nothing else.

    Returns:
        What was removed.

    Raises:
        OutputError: something cannot be removed; the rest is.
    """
    try:
        cache = hub_cache()
    except ValueError as error:  # a file in its place
        raise OutputError(f"{error}; remove it, or set HF_HUB_CACHE.") from error
    repos = own_repos(cache)
    removed = [*(cached_model(repo, known=False) for repo in repos), *lpips_weights()]
    if cache is not None and repos:
        cache.delete_revisions(*(revision.commit_hash for repo in repos for revision in repo.revisions)).execute()
    for weights in lpips_weights():
        Path(weights.path).unlink(missing_ok=True)
    for model in removed:
        if Path(model.path).exists():
            raise OutputError(f"{model.path}: cannot be removed; close the programs that use it, and try again.")
    return removed


def hub_cache() -> "HFCacheInfo | None":
    """The cache that the Hugging Face client shares between programs; None where nothing was ever downloaded."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        return scan_cache_dir()
    except CacheNotFound:
        return None


def own_repos(cache: "HFCacheInfo | None") -> "list[CachedRepoInfo]":
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
        return read_index(folder, kind) is not None
    except (OSError, ValueError):
        return False


def cached_model(repo: "CachedRepoInfo", known: bool = True) -> ListedModel:
    """A download; without its digest where it need not be known, or `--clear-cache` would keep a damaged one."""
    from huggingface_hub.constants import ENDPOINT

    folder = _newest(repo, "DarkDiffPipeline")
    card, path = f"{ENDPOINT}/{repo.repo_id}", str(repo.repo_path)
    if folder is None:
        return ListedModel(repo.repo_id, "cached", "Stable Diffusion", repo.size_on_disk, None, card, path)
    steps, digest = default_steps(read_index(folder) or {}), model_digest(folder) if known else None
    return ListedModel(repo.repo_id, "cached", "DarkDiff", repo.size_on_disk, steps, card, path, digest, folder.name)


def lpips_weights() -> Iterator[ListedModel]:
    """Downloads of LPIPS's networks."""
    import platformdirs

    for path in sorted(platformdirs.user_cache_path("darkdiff").glob("lpips_*")):
        yield ListedModel(path.name, "cached", "LPIPS", path.stat().st_size, None, None, str(path))
