"""What torch raises, as sentences about the picture."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from darkdiff_cli.errors import DarkdiffError, MemoryLimitError, SettingsError
from darkdiff_cli.raw import RawFrame
from darkdiff_models import DarkDiffPipeline, SamplingSettings
from darkdiff_models.devices import is_out_of_memory
from darkdiff_models.tiling.planner import TRAINED


def name_of(frame: RawFrame) -> str:
    """What errors call a frame."""
    return str(frame.path or "the frame")


@contextmanager
def explaining(frame: RawFrame, pipeline: DarkDiffPipeline, sampling: SamplingSettings) -> Iterator[None]:
    """Within this context errors become sentences about the frame.

    Raises:
        SettingsError: a setting is out of range.
        MemoryLimitError: the picture does not fit into memory.
    """
    name = name_of(frame)
    try:
        yield
    except ValueError as error:
        raise SettingsError(f"{name}: {error}.") from error
    except (MemoryError, RuntimeError) as error:
        trained = int(dict(pipeline.config)["tile"]) or TRAINED
        raise explained(error, name, pipeline.resolved(sampling).tile, trained) from error


def explained(error: BaseException, source: Path | str, tile: int | None, trained: int) -> DarkdiffError | RuntimeError:
    """Turn an out-of-memory error into MemoryLimitError.

    Args:
        error: what was raised.
        source: of the picture.
        tile: side of a denoiser tile that was asked for; 0 and None are larger than the one trained on.
        trained: side that the denoiser was trained on.
    """
    if is_out_of_memory(error):
        smaller = max(8, tile // 2) if tile else trained
        message = f"{source}: does not fit into memory; try --tile {smaller}, or close other programs."
        return MemoryLimitError(message, smaller)
    return RuntimeError(str(error))
