"""Digests that tell which file and which model it is, by content alone. Loads no torch."""

import errno
import hashlib
import json
import os
import stat
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import psutil

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

CONFIG = "*config.json"
DIGESTED = ("model_index.json", CONFIG, "*.safetensors")  # not training checkpoints, not logs
LARGE = 100_000_000  # bytes; reading a larger file takes so long that its digest is kept
BLOCK = 1 << 20  # bytes


def model_digest(folder: Path) -> str:
    """Digest of a model's weights and settings.

    It does not depend on the folder's name or place, nor on when its files were written.

    Args:
        folder: a pipeline, or a single network such as `sid-unet`, as `train` wrote it.

    Returns:
        32 hexadecimal digits.

    Raises:
        OSError: a file is out of reach, none to read to its end, or too large to be loaded; it names the file.
    """
    digest = hashlib.sha256()
    parts = [folder, *sorted(part for part in folder.iterdir() if any(part.glob(CONFIG)))]
    files = [path for part in parts for pattern in DIGESTED for path in sorted(part.glob(pattern))]
    if large := [path for path in files if path.stat().st_size > psutil.virtual_memory().total]:
        raise OSError(errno.EFBIG, "is larger than this machine's memory", str(large[0]))  # a sparse one ends never
    for path in files:
        digest.update(f"{path.relative_to(folder).as_posix()}|{file_sha256(path)}|".encode())
    return digest.hexdigest()[:32]


def file_sha256(path: Path) -> str:
    """SHA-256 of a file; one that has not changed is read once, and a large one once for all processes.

    Whether it has changed is told by its inode, size and times. The time of the last change of its state (ctime) cannot
    be set back, so a file that was tampered with is read again.

    Raises:
        OSError: it is out of reach, or a device, a pipe or a folder, and reading it might never end.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "is no plain file", str(path))
    return _sha256(str(path.absolute()), found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns)


@lru_cache(maxsize=1000)
def _sha256(path: str, size: int, *times: int) -> str:
    state = json.dumps([path, size, *times])
    if size > LARGE and (known := _kept().get(state)) is not None:
        return known
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    if size > LARGE:
        _keep(state, digest.hexdigest())
    return digest.hexdigest()


def _kept() -> dict[str, str]:
    """Digests of large files, by path and state."""
    try:
        lines = [json.loads(line) for line in _store().read_text(encoding="utf-8").splitlines()]
        return {line["state"]: line["sha256"] for line in lines}
    except (OSError, ValueError, KeyError, TypeError):  # none yet, or torn: then they are made again
        return {}


def _keep(state: str, digest: str) -> None:
    """Append a digest, in one write, for several processes may do so; a cache that is read-only stays as it is."""
    with suppress(OSError):
        _store().parent.mkdir(parents=True, exist_ok=True)
        with _store().open("a", encoding="utf-8") as file:
            file.write(json.dumps({"state": state, "sha256": digest}) + "\n")


def _store() -> Path:
    return platformdirs.user_cache_path("darkdiff") / "digests.jsonl"


def git_sha1(path: Path) -> str:
    """What git calls a file of this content: the SHA-1 of a header and the content (git hash-object)."""
    digest = hashlib.sha1(f"blob {os.path.getsize(path)}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def folder_of(pipeline: "DiffusionPipeline") -> Path:
    """The folder that a pipeline was loaded from.

    Raises:
        ValueError: the pipeline was made in memory.
    """
    part = pipeline.vae.config.get("_name_or_path")  # diffusers records it on loading
    if not part:
        raise ValueError("the pipeline was not loaded from a folder")
    return Path(part).parent
