"""Progress on stderr: a bar with ETA on a terminal, nothing elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STAGES = {"read": 2, "encode": 12, "context": 2, "denoise": 54, "decode": 28, "write": 2}  # per cent of a photo's time


@contextmanager
def photo_progress(name: str, quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar for one photo, as a callback (stage, done, in all); None where nobody is looking."""
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
        before = dict(zip(STAGES, _running_sums(list(STAGES.values())), strict=True))

        def report(stage: str, done: int, total: int) -> None:
            share = done / max(total, 1)
            detail = f"{stage} {done}/{total}" if total > 1 else stage
            bar.update(task, completed=before[stage] + STAGES[stage] * share, detail=detail)

        yield report


def _running_sums(values: list[int]) -> list[int]:
    return [sum(values[:i]) for i in range(len(values))]
