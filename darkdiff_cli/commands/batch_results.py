"""What `batch` prints: the plan of a dry run, each failure as it happens, and at the end what became of all."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from darkdiff_cli.commands.console import say, show, show_json, tell

if TYPE_CHECKING:
    from darkdiff_cli.batch.ledger import Entry
    from darkdiff_cli.batch.plan import Plan
    from darkdiff_cli.batch.tally import Summary
    from darkdiff_cli.commands.batch_options import FileOptions, FolderOutputOptions

NAMED = 10  # files that a note names; of more it gives the number


def show_plan(plan: "Plan", as_json: bool, min_rating: int | None) -> None:
    """What would be done: on stdout what would be written, on stderr what cannot be and the counts."""
    if as_json:
        to_do = [{"source": task.job.relative, "output": str(task.job.output)} for task in plan.tasks]
        failed = [asdict(entry) for entry in plan.lost]
        counts = {"skipped": plan.settled, "failed_before": plan.failed_before, "left_out": len(plan.left_out)}
        counts["outdated"] = plan.outdated
        show_json({"to_do": to_do, "failed": failed, **counts})
    else:
        for task in plan.tasks:
            show(f"{task.job.relative} -> {task.job.output}")
    for entry in plan.lost:
        show_failure(entry)
    tell(f"{len(plan.tasks)} to do, {len(plan.lost)} failed, {plan.settled} skipped")
    _show_left_out(len(plan.left_out), min_rating)
    _show_ways_on(plan.failed_before, plan.kept, plan.outdated)


def show_failure(entry: "Entry") -> None:
    """The sentence of a file that failed; nothing of any other."""
    if entry.error is not None:
        say(entry.error)


def show_results(summary: "Summary", output: "FolderOutputOptions", files: "FileOptions", page: Path | None) -> None:
    """Paths or JSON on stdout; notes, counts and the page on stderr. The paths of a watch were printed as they came."""
    if output.as_json:
        show_json(
            {
                "done": [asdict(entry) for entry in summary.done],
                "failed": [asdict(entry) for entry in summary.failed],
                "skipped": summary.skipped,
                "failed_before": summary.failed_before,
                "left_out": len(summary.left_out),
                "outdated": summary.outdated,
                "left": summary.left,
                "stopped": summary.stopped,
                "exposure_lock": asdict(summary.lock) if summary.lock else None,
                "report": None if page is None else str(page),
            }
        )
    elif not files.watch:
        for entry in summary.done:
            show(entry.output)
    _show_notes(summary)
    _show_left(summary.left)
    if summary.stopped and summary.stopped != "interrupted":
        say(summary.stopped)
    if not output.quiet:
        tell(f"{len(summary.done)} done, {len(summary.failed)} failed, {summary.skipped} skipped")
        _show_left_out(len(summary.left_out), files.min_rating)
        _show_ways_on(summary.failed_before, summary.kept, summary.outdated)
        if page is not None:
            tell(f"Look at them: {page}")


def _show_left(left: list[str]) -> None:
    """Which raws a watch came too late for."""
    if left:
        more = f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
        were, them = ("was", "it") if len(left) == 1 else ("were", "them")
        sentence = f"{were} not done before the watch ended; run the batch again for {them}."
        say(f"{', '.join(left[:NAMED])}{more}: {sentence}")


def _show_left_out(count: int, min_rating: int | None) -> None:
    """How many raws have too few stars."""
    if count:
        tell(f"{count} left out: not rated, or below {min_rating}")


def _show_ways_on(failed_before: int, kept: int, outdated: int) -> None:
    """How to go on with files that nothing was done about."""
    if failed_before:
        tell(f"{failed_before} of the skipped failed in an earlier run: --retry-failed tries again.")
    if outdated:
        tell(f"{outdated} of the skipped have a sidecar that is newer than the photo: --overwrite makes photos again.")
    if kept:
        tell(f"{kept} of the failed would replace other files: move these away, or --overwrite replaces them.")


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
        say(f"{which}: {note}.")
