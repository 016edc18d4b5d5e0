"""A short digest that identifies a model's weights and settings without loading them."""

import hashlib
from pathlib import Path

from diffusers import DiffusionPipeline

LARGE = 100_000_000  # bytes; larger files are identified by size and modification time, not by content
CONFIG = "*config.json"
DIGESTED = ("model_index.json", CONFIG, "*.safetensors")  # not training checkpoints, not logs


def model_digest(folder: Path) -> str:
    """Digest of a model's weights and settings.

    It does not depend on the folder's name or place. Files above 100 MB count by size and modification time, so a copy
    of such a model may get another digest.

    Args:
        folder: a pipeline, or a single network such as `sid-unet`, as `train` wrote it.

    Returns:
        32 hexadecimal digits.
    """
    digest = hashlib.blake2b(digest_size=16)
    parts = [folder, *sorted(part for part in folder.iterdir() if any(part.glob(CONFIG)))]
    for path in (path for part in parts for pattern in DIGESTED for path in sorted(part.glob(pattern))):
        stat = path.stat()
        content = f"{stat.st_size}|{stat.st_mtime_ns}".encode() if stat.st_size > LARGE else path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}|{len(content)}|".encode() + content)
    return digest.hexdigest()


def folder_of(pipeline: DiffusionPipeline) -> Path:
    """The folder that a pipeline was loaded from.

    Raises:
        ValueError: the pipeline was made in memory.
    """
    part = pipeline.vae.config.get("_name_or_path")  # diffusers records it on loading
    if not part:
        raise ValueError("the pipeline was not loaded from a folder")
    return Path(part).parent
