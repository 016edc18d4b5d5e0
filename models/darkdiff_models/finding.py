"""Where a model lies: bundled, in a folder, or on the Hugging Face hub. Needs no torch."""

import os
from importlib.resources import files
from pathlib import Path

from darkdiff_models.connections import is_offline
from darkdiff_models.hub import FAILURES, TamperedError, fetch

LONGEST_NAME = 500  # letters of a name in a sentence
MODEL_FILES = ("*.json", "*/*.json", "*/*.safetensors")


def local_model(model: str | Path) -> Path | None:
    """The local folder of a model: `model` itself if it is a folder, else the bundled model of that name, else None."""
    bundled = Path(str(files("darkdiff_models"))) / "pretrained" / str(model)
    return next((folder for folder in (Path(model), bundled) if os.path.isdir(folder)), None)


def find_model(model: str | Path) -> Path:
    """The folder of a model; one of the hub is downloaded unless it is in the local cache.

    Args:
        model: "tiny" for the bundled model, a folder that training made, or a hub id; owner/name@revision is a hub
            model at one commit, branch or tag.

    Raises:
        FileNotFoundError: there is no such model, or it may not be fetched.
    """
    folder = local_model(model)
    if folder is not None:
        return folder
    try:
        return fetch(str(model), MODEL_FILES)
    except TamperedError:
        raise
    except FAILURES as error:
        name = str(model)[:LONGEST_NAME]
        if is_offline():
            raise FileNotFoundError(
                f"no model {name!r}: it is neither bundled, nor a folder, nor in the cache, and --offline "
                "forbids to fetch it"
            ) from error
        raise FileNotFoundError(f"no model {name!r}: it is neither bundled, nor a folder, nor on the hub") from error
