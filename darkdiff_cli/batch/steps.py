"""What becomes of a photo of a batch, step by step: decoded, made, finished."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from darkdiff_cli.batch.claims import Task
from darkdiff_cli.batch.ledger import Entry
from darkdiff_cli.raw import Exposure

if TYPE_CHECKING:
    from darkdiff_cli.enhancer import Developed
    from darkdiff_models import DarkDiffOutput

Step = Literal["decode", "networks", "write"]
Times = dict[Step, tuple[float, float]]
"""When each step of a photo began and ended, in seconds of the worker's clock."""


@dataclass(frozen=True)
class Decoded:
    """What the networks see of a frame, and when the work on it was done."""

    developed: "Developed"
    times: Times


@dataclass(frozen=True)
class Made:
    """The networks' picture of a frame, and when the work on it was done."""

    exposure: Exposure
    output: "DarkDiffOutput"
    times: Times


@dataclass(frozen=True)
class Finished:
    """What became of a task.

    Attributes:
        task: the task.
        entry: for the ledger.
        stop: why the batch cannot go on, and the task is not done: a folder has gone, the disk is full; else None.
        away: the folder whose drive did not give the raw or take the photo, which may be its last or its only one.
        is_unreadable: the raw could not be decoded.
        is_changed: the raw is not the one that was planned any more.
        is_refused: there is no permission to read the raw, for now.
        is_kept: a photo of the same name was made meanwhile, and stays.
        times: when it was worked on; nothing of one that failed.
    """

    task: Task
    entry: Entry
    stop: str | None = None
    away: Path | None = None
    is_unreadable: bool = False
    is_changed: bool = False
    is_refused: bool = False
    is_kept: bool = False
    times: Times = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether the next run tries it again: what stood in the way may pass without a trace in the raw."""
        return self.stop is not None or self.away is not None or self.is_changed or self.is_refused
