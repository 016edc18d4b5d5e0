"""Progress on stderr: a bar with ETA on a terminal; for training, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from darkdiff_cli.batch.run import Summary

STAGES = {
    "read": 2,
    "develop": 1,
    "encode": 12,
    "context": 2,
    "denoise": 52,
    "decode": 26,
    "detail": 41,
    "finish": 3,
    "write": 2,
}  # of a photo's time, in parts
LAST = ("finish", "write")


@contextmanager
def photo_progress(name: str, quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar for one photo, as a callback (stage, done, in all); None where stderr is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=sum(STAGES.values()), detail="")
        shares = dict.fromkeys(STAGES, 0.0)  # several views take turns at a stage

        def report(stage: str, done: int, total: int) -> None:
            shares[stage] = done / max(total, 1)
            if stage in LAST:  # a picture of half size has no detail
                shares.update(dict.fromkeys([name for name in STAGES if name not in LAST], 1.0))
            detail = f"{stage} {done}/{total}" if total > 1 else stage
            bar.update(task, completed=sum(STAGES[name] * share for name, share in shares.items()), detail=detail)

        yield report


@contextmanager
def training_progress(name: str) -> Iterator[Callable[[str, int, int, dict[str, float]], None]]:
    """Progress of a training as a callback (what, step, steps, numbers): a bar with ETA, and a line for each record."""

    def line(what: str, step: int, total: int, numbers: dict[str, float]) -> str:
        values = "  ".join(f"{key} {value:.4g}" for key, value in numbers.items())
        return f"{what} {step}/{total}  {values}"

    if not sys.stderr.isatty():

        def plain(what: str, step: int, total: int, numbers: dict[str, float]) -> None:
            if what != "step":
                print(line(what, step, total, numbers), file=sys.stderr, flush=True)

        yield plain
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    rate = TextColumn("{task.fields[speed]:.3g} images/s")
    console = Console(stderr=True)
    with Progress(
        TextColumn(name), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn(), console=console
    ) as bar:
        task = bar.add_task(name, speed=0.0)

        def report(what: str, step: int, total: int, numbers: dict[str, float]) -> None:
            if what == "step":
                bar.update(task, completed=step, total=total, speed=numbers.get("images_per_second", 0.0))
            else:
                console.print(line(what, step, total, numbers), highlight=False)

        yield report


@contextmanager
def counted_progress(name: str, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Progress of work in known parts as a callback (what, done, in all): a bar with ETA on a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda _what, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name)
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)


@contextmanager
def batch_progress(quiet: bool) -> "Iterator[Callable[[Mapping[str, str], Summary], None]]":
    """Progress of a batch as a callback (file of each worker, counts): a bar with rate and ETA, or a line a file."""
    if quiet:
        yield lambda _at, _summary: None
        return
    if not sys.stderr.isatty():
        yield _plain_batch()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    counts = TextColumn("{task.fields[counts]}")
    columns = (MofNCompleteColumn(), BarColumn(), counts, TimeRemainingColumn(), TextColumn("{task.description}"))
    began = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", counts="")

        def report(at: Mapping[str, str], summary: "Summary") -> None:
            finished = len(summary.done) + len(summary.failed)
            rate = (time.monotonic() - began) / finished if finished else 0.0
            counts = f"{len(summary.done)} done, {len(summary.failed)} failed, {summary.skipped} skipped"
            files = ", ".join(f"{worker}: {file}" for worker, file in sorted(at.items()))
            words = f"{counts}, {rate:.3g} s/file" if finished else counts
            bar.update(task, description=files, counts=words, completed=finished, total=summary.total)

        yield report


def _plain_batch() -> "Callable[[Mapping[str, str], Summary], None]":
    """A line for each file that is done or has failed."""
    shown = [0, 0]

    def report(_at: Mapping[str, str], summary: "Summary") -> None:
        for number, entries in enumerate((summary.done, summary.failed)):
            for entry in entries[shown[number] :]:
                shown[number] += 1
                words = f"{entry.seconds:.1f} s" if entry.error is None else "failed"
                print(f"{sum(shown)}/{summary.total}  {entry.source}  {words}", file=sys.stderr, flush=True)

    return report
