"""The result of a stage, written whole or not at all."""

import os
import shutil
from pathlib import Path

from safetensors import SafetensorError

from darkdiff_cli.errors import TrainingError
from darkdiff_cli.training.loop.state import reason_of
from darkdiff_cli.training.stages.stage import Stage

PARTIAL = ".export.partial"


def export(stage: Stage, folder: Path) -> None:
    """Write what the next stage or the user takes over; each file and folder of it appears when all are on the disk.

    Args:
        stage: what has trained, the averaged weights in place.
        folder: of the stage.

    Raises:
        TrainingError: the disk is full or read-only; what was there before is whole.
    """
    partial = folder / PARTIAL
    try:
        shutil.rmtree(partial, ignore_errors=True)  # of a run that was killed
        stage.export(partial)
        for file in partial.rglob("*"):
            if file.is_file():
                with file.open("rb+") as written:
                    os.fsync(written.fileno())
        for part in list(partial.iterdir()):
            _move(part, folder / part.name)
    except (OSError, SafetensorError) as error:
        raise TrainingError(
            f"{folder}: the model cannot be written ({reason_of(error)}); free some space, and go on with --resume."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _move(part: Path, target: Path) -> None:
    if target.is_dir():
        target.rename(part.with_name(f"{part.name}.old"))
    part.replace(target)
