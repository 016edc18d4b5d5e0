"""`batch --report`: one HTML page with every photo before and after, and what failed; it needs no network."""

import base64
import tempfile
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from darkdiff_cli.batch.ledger import Entry
from darkdiff_cli.photo import atomically

if TYPE_CHECKING:
    from darkdiff_cli.batch.run import Summary
    from darkdiff_cli.batch.worker import Finished

OPEN = 10  # failures that are shown without a click
HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>darkdiff batch</title><style>
:root { color-scheme: dark }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 90rem; background: #141414;
  color: #ddd }
h1, h2 { font-weight: 600 } .failed { color: #ff9a8a }
table { border-collapse: collapse; width: 100% } td { padding: .3rem .6rem; border-top: 1px solid #333;
  overflow-wrap: anywhere }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem }
figure { margin: 0; background: #1f1f1f; border-radius: .4rem; overflow: hidden }
figure div { display: grid; grid-template-columns: 1fr 1fr; gap: 2px }
img { width: 100%; height: 12rem; object-fit: contain; background: #000; display: block }
figcaption { padding: .4rem .6rem; overflow-wrap: anywhere }
small { color: #999 }
</style></head><body>
"""


class Album:
    """Collects the pages' figures in a nameless temporary file, so that memory does not grow with the batch.

    Args:
        path: of the page.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._figures = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 (lives as long as the batch)

    def add(self, finished: "Finished") -> None:
        """Take in a photo; failures are shown from the summary."""
        if finished.thumbnails is None:
            return
        entry = finished.entry
        before, after = (base64.b64encode(data).decode() for data in finished.thumbnails)
        self._figures.write(
            f'<figure><div><img src="data:image/jpeg;base64,{before}" alt="{escape(entry.source)}, amplified">'
            f'<img src="data:image/jpeg;base64,{after}" alt="{escape(entry.output)}"></div><figcaption>'
            f"{escape(entry.source)}<br><small>x{entry.ratio:.0f}, {entry.seconds:.1f} s</small></figcaption>"
            "</figure>\n"
        )

    def save(self, summary: "Summary") -> None:
        """Write the page, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        atomically(self.path, lambda partial: self._write(partial, summary))
        self._figures.close()

    def _write(self, partial: Path, summary: "Summary") -> None:
        with partial.open("w", encoding="utf-8") as page:
            page.write(HEAD)
            page.write("<h1>darkdiff batch</h1>\n")
            page.write(
                f"<p>{len(summary.done)} done, {len(summary.failed)} failed, {summary.skipped} skipped: settled by "
                "an earlier run, or in work elsewhere.</p>\n"
            )
            if summary.stopped:
                page.write(f'<p class="failed">Ended early: {escape(summary.stopped)}</p>\n')
            page.writelines(_failures(summary.failed))
            page.write("<h2>Amplified raw, and photo</h2>\n<main>\n" if summary.done else "<main>\n")
            self._figures.seek(0)
            for line in self._figures:
                page.write(line)
            page.write("</main></body></html>\n")


def _failures(entries: Iterable[Entry]) -> Iterable[str]:
    rows = [f"<tr><td>{escape(e.source)}</td><td>{escape(e.error or '')}</td></tr>\n" for e in entries]
    if not rows:
        return []
    state = " open" if len(rows) <= OPEN else ""
    return [f'<details{state}><summary class="failed">{len(rows)} failed</summary>\n<table>\n', *rows,
            "</table></details>\n"]  # fmt: skip
