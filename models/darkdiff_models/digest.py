"""A short digest that identifies a model's weights and settings without loading them."""

import hashlib
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from darkdiff_models.checkpoints import local_model
from darkdiff_models.pipeline import DarkDiffPipeline

LARGE = 100_000_000  # bytes; larger files are identified by size and modification time, not by content
CONFIG = "*config.json"
DIGESTED = ("model_index.json", CONFIG, "*.safetensors")  # not training checkpoints, not logs


def model_digest(model: str | Path) -> str:
    """Digest of a model's weights and settings.

    It does not depend on the folder's name or place. Files above 100 MB count by size and modification time, so a copy
    of such a model may get another digest.

    Args:
        model: "tiny" for the bundled model, a folder with the networks that `train` wrote, or a hub id. A hub model
            that is not in the local cache yet is downloaded first, so that its digest is always the same.

    Returns:
        32 hexadecimal digits; `model` itself if there is no such model.
    """
    folder = local_model(model) or _downloaded(str(model))
    if folder is None:
        return str(model)
    digest = hashlib.blake2b(digest_size=16)
    parts = [folder, *sorted(part for part in folder.iterdir() if any(part.glob(CONFIG)))]
    for path in (path for part in parts for pattern in DIGESTED for path in sorted(part.glob(pattern))):
        stat = path.stat()
        content = f"{stat.st_size}|{stat.st_mtime_ns}".encode() if stat.st_size > LARGE else path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}|{len(content)}|".encode() + content)
    return digest.hexdigest()


def folder_of(pipeline: DarkDiffPipeline) -> Path:
    """The folder that a pipeline was loaded from.

    Raises:
        ValueError: the pipeline was made in memory.
    """
    part = pipeline.vae.config.get("_name_or_path")  # diffusers records it on loading
    if not part:
        raise ValueError("the pipeline was not loaded from a folder")
    return Path(part).parent


def _downloaded(model: str) -> Path | None:
    try:
        return Path(snapshot_download(model, allow_patterns=["*.json", "*/*.json", "*/*.safetensors"]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError):
        return None
