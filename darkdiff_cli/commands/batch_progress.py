"""Progress of a batch on stderr: a bar on a terminal, a plain line a minute elsewhere."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from darkdiff_cli.commands.console import own_console, rich_text, tell
from darkdiff_cli.commands.plain_lines import plain_lines

if TYPE_CHECKING:
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    from darkdiff_cli.batch.tally import Summary

BAR = 20  # columns


class BatchProgress:
    """Where a batch stands, in words: first what is being done, and numbers from the first photo at work on."""

    def __init__(self, on_change: Callable[["BatchProgress"], None] = lambda _progress: None) -> None:
        self.on_change = on_change
        self.activity = "starting"
        self.at: dict[str, str] = {}
        self.summary: Summary | None = None

    def doing(self, words: str) -> None:
        """Say what is being done before there is a photo at work."""
        self.activity = words
        self.on_change(self)

    def report(self, at: Mapping[str, str], summary: "Summary") -> None:
        """Take in the file that each worker is at, and the counts so far."""
        self.at, self.summary = dict(at), summary
        self.on_change(self)

    @property
    def waiting(self) -> bool:
        """Whether there is nothing to do until something comes."""
        return self.summary is not None and bool(self.summary.waiting)

    @property
    def count(self) -> tuple[int, int] | None:
        """Files of this run that are settled, and all of them; None while there is nothing to count."""
        summary = self.summary
        return None if summary is None or self.waiting else (summary.total - summary.to_do, summary.total)

    def head(self) -> str:
        """The count, or what is being done instead."""
        if self.count is not None:
            return "{}/{}".format(*self.count)
        return self.activity if self.summary is None else f"waiting for {self.summary.waiting}"

    def tail(self, room: int) -> str:
        """What stands behind the bar, the most telling first: "10 min left, 1 failed, 8.57 a minute, IMG_1.ARW".

        Args:
            room: columns of the terminal; what does not fit is left out.
        """
        from rich.cells import cell_len

        said = ""
        for fact in self._facts():
            longer = f"{said}, {fact}" if said else fact
            if cell_len(longer) > room:
                break
            said = longer
        return said

    def line(self) -> str | None:
        """One plain line: "12 of 100 photos done, 1 failed, 8.57 photos a minute, 10 min left".

        None while the run waits.
        """
        summary = self.summary
        if summary is None:
            return self.activity
        if not self.at:
            return None
        words = [f"{len(summary.done)} of {summary.total} photos done", f"{len(summary.failed)} failed"]
        rate, seconds = summary.pace.rate, summary.pace.seconds_left(summary.to_do)
        if rate is not None and seconds is not None:
            words += [f"{60 * rate:.3g} photos a minute", f"{time_left(seconds)} left"]
        return ", ".join(words)

    def _facts(self) -> Iterator[str]:
        summary = self.summary
        if summary is None or summary.waiting:
            return
        if summary.stop is not None and summary.stop.requested:
            yield "ends after the photos at work"
            yield "Ctrl-C again: at once"
            return
        rate, seconds = summary.pace.rate, summary.pace.seconds_left(summary.to_do)
        if seconds is not None:
            yield f"{time_left(seconds)} left"
        if summary.failed:
            yield f"{len(summary.failed)} failed"
        if rate is not None:
            yield f"{60 * rate:.3g} a minute"
        for worker, file in sorted(self.at.items()):
            yield file if len(self.at) == 1 else f"{worker}: {file}"


def time_left(seconds: float) -> str:
    """A time in the unit that is read at a glance: "40 s", "12 min" or "3 h 20 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


@contextmanager
def batch_progress(quiet: bool) -> Iterator[BatchProgress]:
    """Progress of a batch: shown on a terminal, written down once a minute elsewhere, nothing where `quiet`."""
    if quiet:
        yield BatchProgress()
    elif sys.stderr.isatty():
        with _bar() as progress:
            yield progress
    else:
        with _log() as progress:
            yield progress


@contextmanager
def _log() -> Iterator[BatchProgress]:
    """A plain line a minute, and once what the run waits for."""
    said = False

    def show(progress: BatchProgress) -> None:
        nonlocal said
        if progress.waiting and not said:
            said = True
            tell(f"{progress.head()}; Ctrl-C ends the batch")
        lines.look()

    progress = BatchProgress(show)
    with plain_lines(progress.line) as lines:
        yield progress


@contextmanager
def _bar() -> Iterator[BatchProgress]:
    """A bar with what is at work, drawn anew several times a second, so that the time left runs on."""
    from rich.cells import cell_len
    from rich.progress import BarColumn, Progress

    def show(progress: BatchProgress) -> None:
        done, total = progress.count or (0, None)
        bar.update(task, completed=done, total=total, refresh=True)

    progress = BatchProgress(show)
    with (
        own_console() as console,
        Progress(
            _column(progress.head),
            BarColumn(BAR),
            _column(lambda: progress.tail(console.width - cell_len(progress.head()) - BAR - 2)),
            console=console,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),  # what goes elsewhere, such as the paths of a watch, must arrive there
        ) as bar,
    ):
        task = bar.add_task("", total=None)
        yield progress


def _column(words: Callable[[], str]) -> "ProgressColumn":
    """A column of words that are asked for whenever the bar is drawn."""
    from rich.progress import ProgressColumn

    class Words(ProgressColumn):
        def render(self, task: "Task") -> "Text":  # noqa: ARG002
            return rich_text(words(), overflow="ellipsis", no_wrap=True)

    return Words()
