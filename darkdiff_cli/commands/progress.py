"""Progress on stderr: a bar with ETA on a terminal; plain lines elsewhere."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from darkdiff_cli.commands.console import own_console, rich_text, tell
from darkdiff_cli.commands.plain_lines import plain_lines
from darkdiff_cli.progress import Progress
from darkdiff_cli.words import printable

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

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
def loading(model: str, quiet: bool) -> Iterator[None]:
    """Say on a terminal that a model is loaded, for as long as it takes."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    with own_console() as console, console.status(rich_text(loading_words(model))):
        yield


def loading_words(model: str) -> str:
    """What is said meanwhile; a folder is called by its name."""
    return f"loading {Path(model).name if os.path.isdir(model) else model}"


@contextmanager
def photo_progress(name: str, quiet: bool) -> Iterator[Progress | None]:
    """Progress of one photo as a callback (stage, done, in all): a bar on a terminal, a line a minute elsewhere."""
    if quiet or not sys.stderr.isatty():
        with _plain(f"{name}: ", quiet) as report:
            yield report
        return
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(),
    )
    with own_console() as console, Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(printable(name), total=sum(STAGES.values()), detail="")
        shares = dict.fromkeys(STAGES, 0.0)  # several views take turns at a stage

        def report(stage: str, done: int, total: int) -> None:
            shares[stage] = done / max(total, 1)
            if stage in LAST:  # a picture of half size has no detail
                shares.update(dict.fromkeys([name for name in STAGES if name not in LAST], 1.0))
            detail = f"{stage} {done}/{total}" if total > 1 else stage
            bar.update(task, completed=sum(STAGES[name] * share for name, share in shares.items()), detail=detail)

        yield report


@contextmanager
def training_progress(name: str) -> Iterator[Callable[[str, str, int, int, dict[str, float] | str], None]]:
    """Progress of a stage as a callback (training, what, step, steps, numbers or a sentence): a bar with ETA, lines."""

    def line(training: str, what: str, step: int, total: int, numbers: dict[str, float] | str) -> str:
        if isinstance(numbers, str):
            return f"darkdiff: {numbers}"
        values = "  ".join(f"{key} {value:.4g}" for key, value in numbers.items())
        return f"{training}: {what} {step}/{total}  {values}"

    if not sys.stderr.isatty():

        def plain(training: str, what: str, step: int, total: int, numbers: dict[str, float] | str) -> None:
            if what != "step":
                tell(line(training, what, step, total, numbers))

        yield plain
        return
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn(name), BarColumn(), _count(), TextColumn("{task.fields[speed]}"), TimeRemainingColumn())
    with own_console() as console, Bar(*columns, console=console) as bar:
        task = bar.add_task(name, total=None, speed="starting")

        def speed(numbers: dict[str, float]) -> str:
            return f"{numbers['images_per_second']:.3g} images/s" if "images_per_second" in numbers else ""

        def report(training: str, what: str, step: int, total: int, numbers: dict[str, float] | str) -> None:
            if what == "step" and not isinstance(numbers, str):
                bar.update(task, completed=step, total=total, speed=speed(numbers))
            else:
                console.print(rich_text(line(training, what, step, total, numbers)))

        yield report


@contextmanager
def counted_progress(name: str, quiet: bool) -> Iterator[Progress]:
    """Progress of work in known parts as a callback (what, done, in all).

    A bar with ETA on a terminal, a line a minute elsewhere.
    """
    if quiet or not sys.stderr.isatty():
        with _plain("", quiet) as report:
            yield report
        return
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), _count(), TimeRemainingColumn())
    with own_console() as console, Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda what, done, total: bar.update(
            task, description=printable(what), completed=done, total=total, refresh=True
        )


@contextmanager
def _plain(name: str, quiet: bool) -> Iterator[Progress]:
    """A callback (what, done, in all) whose last words are written once a minute; nothing where `quiet`."""
    if quiet:
        yield lambda _what, _done, _total: None
        return
    said: str | None = None

    def report(what: str, done: int, total: int) -> None:
        nonlocal said
        said = f"{name}{what}, {done} of {total} done" if total > 1 else f"{name}{what}"
        lines.look()

    with plain_lines(lambda: said) as lines:
        yield report


def _count() -> "ProgressColumn":
    """How many of how many; nothing before the first part has begun, for "0/100" would be a guess."""
    from rich.progress import MofNCompleteColumn, Task
    from rich.text import Text

    class Count(MofNCompleteColumn):
        def render(self, task: Task) -> Text:
            return Text("") if task.total is None else super().render(task)

    return Count()
