"""`batch --report`: one HTML page with the photos of the run, before and after, and what failed; needs no network."""

import base64
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from darkdiff_cli.files import atomically

if TYPE_CHECKING:
    from darkdiff_cli.batch.run import Summary
    from darkdiff_cli.batch.worker import Finished

OPEN = 10  # failures that are shown without a click


class Album:
    """Collects the page's figures in a nameless temporary file, so that memory does not grow with the batch.

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
        shown = {"source": entry.source, "output": entry.output, "ratio": entry.ratio, "seconds": entry.seconds}
        self._figures.write(json.dumps({**shown, "before": before, "after": after}) + "\n")

    def save(self, summary: "Summary") -> None:
        """Write the page, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        atomically(self.path, lambda partial: self._write(partial, summary))
        self._figures.close()

    def _write(self, partial: Path, summary: "Summary") -> None:
        loader = jinja2.PackageLoader("darkdiff_cli.batch", ".")
        environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, keep_trailing_newline=True)
        self._figures.seek(0)
        figures = (json.loads(line) for line in self._figures)
        parts = environment.get_template("album.html.j2").generate(summary=summary, figures=figures, shown=OPEN)
        with partial.open("w", encoding="utf-8", errors="replace") as page:  # names may be no UTF-8
            page.writelines(parts)
