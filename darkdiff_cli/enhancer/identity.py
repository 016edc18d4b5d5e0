"""Which model made a photo, and on which arithmetic: two machines agree to the eye, and not to the last bit."""

from pathlib import Path

import torch

from darkdiff_cli.errors import SettingsError
from darkdiff_cli.words import counted
from darkdiff_models import DarkDiffPipeline
from darkdiff_models.devices import device_name
from darkdiff_models.digest import folder_of, model_digest
from darkdiff_models.finding import local_model
from darkdiff_models.hub import revision_of
from darkdiff_models.stored import first_line


def name_of_model(model: str, pipeline: DarkDiffPipeline) -> str:
    """What files call a model: its folder's name, or its hub id with the revision that was loaded."""
    if local_model(model) is not None:
        return Path(model).name if Path(model).is_dir() else model
    try:
        revision = revision_of(folder_of(pipeline))
    except ValueError:
        return model
    return f"{model.partition('@')[0]}@{revision}" if revision else model


def identity(name: str, pipeline: DarkDiffPipeline) -> dict[str, str]:
    """The model's name and digest, and the arithmetic; no digest of a model that was made in memory.

    Args:
        name: as `name_of_model` says it.
        pipeline: on its device.

    Raises:
        SettingsError: the model's files are out of reach by now.
    """
    try:
        digest = {"model_digest": model_digest(folder_of(pipeline))}
    except ValueError:
        digest = {}
    except OSError as error:
        raise SettingsError(f"{name}: is no complete DarkDiff model any more ({first_line(error)}).") from error
    return {"model": name, **digest, "arithmetic": arithmetic(pipeline)}


def arithmetic(pipeline: DarkDiffPipeline) -> str:
    """All that the bytes of a photo depend on beside raw, settings and model.

    Sums of many numbers are cut into as many parts as there are threads, and rounding differs with the parts.
    """
    device, precision = pipeline.device, str(pipeline.precision).removeprefix("torch.")
    threads = [counted(torch.get_num_threads(), "thread")] if device.type == "cpu" else []
    return ", ".join([device_name(device), precision, *threads, f"torch {torch.__version__}"])
