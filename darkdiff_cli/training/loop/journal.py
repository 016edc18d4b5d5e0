"""The record of a run: a log file of JSON lines, pictures, and TensorBoard where it is installed."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import imageio.v3 as iio
import torch
from torch import Tensor

from darkdiff_cli.datasets import Pair
from darkdiff_cli.errors import OutputError
from darkdiff_cli.files import JsonLines, atomically, remove_partials
from darkdiff_cli.training.stages.losses import viewable
from darkdiff_cli.training.stages.stage import Numbers
from darkdiff_models.finishing.block_light import encode_curve

Report = Callable[[str, int, int, Numbers | str], None]
"""(what: "step", "loss", "health" or "note"; step, steps in all, numbers; of a note its sentence)."""

SHOWN = 4  # held-out images in the sample picture


class Journal:
    """The record of a stage's training, kept by the main process.

    Args:
        folder: of the stage; takes `log.jsonl`, `samples/step-N.png` and TensorBoard's event files.
        report: takes the same numbers for the screen.
        steps: in all.
        active: False on all processes but the main one.
        done: step of the checkpoint that the run goes on from, None of a run that begins. What a killed run recorded of
            later steps is left out, since they come again.
    """

    def __init__(self, folder: Path, report: Report, steps: int, active: bool, done: int | None = None) -> None:
        self.folder, self.report, self.steps, self.active = folder, report, steps, active
        self.next = 0 if done is None else done + 1
        self.log = JsonLines(folder / "log.jsonl")
        self.board: Any = None
        self.hook = threading.excepthook

    def __enter__(self) -> "Journal":
        self.hook, threading.excepthook = threading.excepthook, self._thread_failed
        if self.active:
            remove_partials(self.folder / "samples")  # of a run that was killed
            self.log.cut(self._comes_again)
            try:
                from torch.utils.tensorboard import SummaryWriter

                with self._written():
                    self.board = SummaryWriter(str(self.folder), purge_step=self.next)
            except ImportError:  # an extra; the log and the pictures are there in any case
                self.board = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self.board is not None:
                with self._written() if error is None else suppress(OSError):  # a full disk has been told of
                    self.board.close()
        finally:
            threading.excepthook = self.hook

    def _comes_again(self, line: Mapping[str, Any]) -> bool:
        """Whether a line of the log is of a step that is still to come."""
        step = line.get("step")
        return isinstance(step, int) and step >= self.next

    def step(self, step: int, numbers: Numbers, line: bool) -> None:
        """Record a step; with `line` it is also written to the log."""
        if not self.active:
            return
        self.report("step", step, self.steps, numbers)
        if line:
            self._write("loss", step, numbers)

    def note(self, step: int, sentence: str) -> None:
        """Record a sentence for the user."""
        if not self.active:
            return
        self.report("note", step, self.steps, sentence)
        self.log.append({"what": "note", "step": step, "note": sentence}, sync=False)

    def health(self, step: int, numbers: Numbers, checks: Pair, made: Tensor | None) -> None:
        """Record a health check and the pictures of the held-out images."""
        if not self.active:
            return
        self._write("health", step, numbers)
        if made is None:
            return
        sheet = contact_sheet(checks, made)
        path = self.folder / "samples" / f"step-{step:08d}.png"
        picture = sheet.mul(255).round().byte().numpy()
        atomically(path, lambda partial: iio.imwrite(partial, picture, extension=".png"))
        if self.board is not None:
            with self._written():
                self.board.add_image("noisy, output, reference", sheet, step, dataformats="HWC")

    def _write(self, what: str, step: int, numbers: Numbers) -> None:
        self.report(what, step, self.steps, numbers)
        short = {key: float(f"{value:.5g}") for key, value in numbers.items()}
        self.log.append({"what": what, "step": step, **short}, sync=False)
        if self.board is not None:
            with self._written():
                for key, value in numbers.items():
                    self.board.add_scalar(f"{what}/{key}", value, step)

    def _thread_failed(self, failure: threading.ExceptHookArgs) -> None:
        """No traceback of TensorBoard's thread on a full disk: its next call says it here."""
        ours = type(failure.thread).__module__.startswith("tensorboard")
        if not (ours and isinstance(failure.exc_value, OSError)):
            self.hook(failure)

    @contextmanager
    def _written(self) -> Iterator[None]:
        """One sentence where TensorBoard, which writes in a thread, cannot."""
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"{self.folder}: the record of the run cannot be written ({error.strerror or error}); free some "
                "space and go on with --resume."
            ) from error


def contact_sheet(checks: Pair, made: Tensor) -> Tensor:
    """(rows, columns, 3) in [0, 1]: noisy, output and reference side by side, one row a held-out image."""
    columns = [encode_curve(viewable(checks.noisy.float())), viewable(made.float()), viewable(checks.reference)]
    rows = torch.cat([column[:SHOWN].clamp(0, 1).cpu() for column in columns], dim=3)
    return torch.cat(list(rows), dim=1).permute(1, 2, 0).contiguous()
