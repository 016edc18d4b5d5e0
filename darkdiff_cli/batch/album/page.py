"""`batch --report`: one HTML page of a folder's photos, before and after, and of what failed; needs no network."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import jinja2

from darkdiff_cli.batch.album.previews import Preview, kept_preview
from darkdiff_cli.batch.ledger import Entry
from darkdiff_cli.files import atomically_by_any, begins_with_mark
from darkdiff_cli.formats import FORMATS

if TYPE_CHECKING:
    from darkdiff_cli.batch.tally import Summary

OPEN = 10  # failures that are shown without a click
MARK, HEAD = b'<meta name="generator" content="darkdiff">', 1024  # of our pages, and within how many bytes
MOST = 2000  # photos on a page; one takes about 100 kB


@dataclass(frozen=True)
class Shown:
    """A photo on the page.

    Attributes:
        entry: of the ledger.
        preview: kept beside the photo.
        link: the photo's address, relative to the page.
    """

    entry: Entry
    preview: Preview
    link: str

    @property
    def action(self) -> str:
        """What a click on the link does: a browser keeps what it cannot show."""
        if self.preview.after is None:
            return "Open photo"
        return f"Download {FORMATS[Path(self.entry.output).suffix].upper()}"


def save_page(page: Path, folder: Path, root: Path, entries: Iterable[Entry], summary: "Summary") -> bool:
    """Write the page, whole or not at all; photos and failures of earlier runs are on it too.

    Args:
        page: the file; one that exists is replaced.
        folder: of the raws.
        root: of the photos.
        entries: of the ledger, in the order of their lines.
        summary: of this run.

    Returns:
        Whether there was anything to show; if not, nothing is written.

    Raises:
        OutputError: it cannot be written.
    """
    failed, done = settled(folder, root, entries, summary)
    if not failed and not done:
        return False
    newest = sorted(done[-MOST:], key=lambda entry: entry.source)
    kept = [entry for entry in newest if _is_photo(entry) and kept_preview(root, entry.output, entry.key) is not None]

    def photos() -> Iterator[Shown]:  # one after the other: memory does not grow with the batch
        for entry in kept:
            if (preview := kept_preview(root, entry.output, entry.key)) is not None:
                yield Shown(entry, preview, link_to(root / entry.output, page))

    words = {
        "title": folder.absolute().name,
        "summary": summary,
        "failed": [(entry.source, _reason(entry, folder)) for entry in failed],
        "open": len(failed) <= OPEN,
        "photos": photos(),
        "shown": len(kept),
        "noted": sum(bool(entry.notes) for entry in kept),
        "bare": len(newest) - len(kept),
        "older": len(done) - len(newest),
    }
    atomically_by_any(page, lambda partial: _write(partial, words))
    return True


def is_page(path: Path) -> bool:
    """Whether a file is such a page, which may be replaced; False also where it cannot be read."""
    return begins_with_mark(path, MARK, HEAD)


def settled(
    folder: Path, root: Path, entries: Iterable[Entry], summary: "Summary"
) -> tuple[Sequence[Entry], Sequence[Entry]]:
    """What became of each photo at last: (failures, photos that are there), each in the order in which it happened.

    A failure of an earlier run counts while its raw is there.

    Args:
        folder, root, entries, summary: as in `save_page`.
    """
    last: dict[str, Entry] = {}
    now = {entry.output or entry.source for entry in summary.failed}
    for entry in (*entries, *summary.failed):  # the latter are not all in the ledger
        place = entry.output or entry.source  # a subfolder that cannot be read has no photo
        last.pop(place, None)
        last[place] = entry
    failed = [
        entry
        for place, entry in last.items()
        if entry.status == "failed" and (place in now or os.path.lexists(folder / entry.source))
    ]
    return failed, [entry for entry in last.values() if entry.status == "done" and os.path.exists(root / entry.output)]


def _is_photo(entry: Entry) -> bool:
    """Whether an entry has what the page says of a photo; another program's line in the ledger may not."""
    return Path(entry.output).suffix in FORMATS and None not in (entry.ratio, entry.seconds)


def link_to(photo: Path, page: Path) -> str:
    """The relative address of a photo on a page, percent-encoded whatever its name holds.

    On another drive of Windows there is none, and the address is absolute.
    """
    try:
        relative = os.path.relpath(photo, page.parent)
    except ValueError:
        return photo.absolute().as_uri()
    return "/".join(quote(os.fsencode(part), safe="") for part in Path(relative).parts)


def _reason(entry: Entry, folder: Path) -> str:
    """The sentence of a failure without the path, which the page shows already."""
    return (entry.error or "").removeprefix(f"{folder / entry.source}: ")


def _sentence(text: object) -> str:
    """With a capital and a full stop."""
    words = str(text)
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith('.') else '.'}"


def _write(partial: Path, words: dict[str, object]) -> None:
    loader = jinja2.PackageLoader("darkdiff_cli.batch.album", ".")
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, keep_trailing_newline=True)
    environment.filters["sentence"] = _sentence
    with partial.open("w", encoding="utf-8", errors="replace") as file:  # names may be no UTF-8
        file.writelines(environment.get_template("album.html.j2").generate(words))
