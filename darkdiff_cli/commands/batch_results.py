"""What `batch` prints: the plan of a dry run, each failure as it happens, and at the end what became of all."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from darkdiff_cli.batch.ledger import Entry
    from darkdiff_cli.batch.plan import Plan
    from darkdiff_cli.batch.tally import Summary
    from darkdiff_cli.commands.batch_options import FolderOutputOptions

NAMED = 10  # files that a note names; of more it gives the number


def show_plan(plan: "Plan", as_json: bool) -> None:
    """What would be done: on stdout what would be written, on stderr what cannot be and the counts."""
    if as_json:
        to_do = [{"source": task.job.relative, "output": str(task.job.output)} for task in plan.tasks]
        failed = [asdict(entry) for entry in plan.lost]
        counts = {"skipped": plan.settled, "failed_before": plan.failed_before}
        print(json.dumps({"to_do": to_do, "failed": failed, **counts}))
    else:
        for task in plan.tasks:
            print(f"{task.job.relative} -> {task.job.output}")
    for entry in plan.lost:
        show_failure(entry)
    counted = f"{len(plan.tasks)} to do, {len(plan.lost)} failed, {plan.settled} skipped"
    print(counted, file=sys.stderr)
    _show_ways_on(plan.failed_before, plan.kept)


def show_failure(entry: "Entry") -> None:
    """The sentence of a file that failed; nothing of any other."""
    if entry.error is not None:
        print(f"darkdiff: {entry.error}", file=sys.stderr, flush=True)


def show_results(summary: "Summary", output: "FolderOutputOptions", watched: bool, page: Path | None) -> None:
    """Paths or JSON on stdout; notes, counts and the page on stderr. The paths of a watch were printed as they came."""
    if output.as_json:
        print(
            json.dumps(
                {
                    "done": [asdict(entry) for entry in summary.done],
                    "failed": [asdict(entry) for entry in summary.failed],
                    "skipped": summary.skipped,
                    "failed_before": summary.failed_before,
                    "left": summary.left,
                    "stopped": summary.stopped,
                    "exposure_lock": asdict(summary.lock) if summary.lock else None,
                    "report": None if page is None else str(page),
                }
            )
        )
    elif not watched:
        for entry in summary.done:
            print(entry.output)
    _show_notes(summary)
    _show_left(summary.left)
    if summary.stopped and summary.stopped != "interrupted":
        print(f"darkdiff: {summary.stopped}", file=sys.stderr)
    if not output.quiet:
        print(f"{len(summary.done)} done, {len(summary.failed)} failed, {summary.skipped} skipped", file=sys.stderr)
        _show_ways_on(summary.failed_before, summary.kept)
        if page is not None:
            print(f"Look at them: {page}", file=sys.stderr)


def _show_left(left: list[str]) -> None:
    """Which raws a watch came too late for."""
    if left:
        more = f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
        were, them = ("was", "it") if len(left) == 1 else ("were", "them")
        sentence = f"{were} not done before the watch ended; run the batch again for {them}."
        print(f"darkdiff: {', '.join(left[:NAMED])}{more}: {sentence}", file=sys.stderr)


def _show_ways_on(failed_before: int, kept: int) -> None:
    """How to go on with files that nothing was done about."""
    if failed_before:
        print(f"{failed_before} of the skipped failed in an earlier run: --retry-failed tries again.", file=sys.stderr)
    if kept:
        print(
            f"{kept} of the failed would replace other files: move these away, or --overwrite replaces them.",
            file=sys.stderr,
        )


def _show_notes(summary: "Summary") -> None:
    """Each note once, with the photos that it is about: by name, or by number where they are many or all of several."""
    about: dict[str, list[str]] = {}
    for entry in summary.done:
        for note in dict.fromkeys(entry.notes):
            about.setdefault(note, []).append(entry.source)
    made = len(summary.done)
    for note, sources in about.items():
        named = len(sources) <= NAMED and (made == 1 or len(sources) < made)
        which = ", ".join(sources) if named else f"{len(sources)} of {made} photos"
        print(f"darkdiff: {which}: {note}.", file=sys.stderr)
