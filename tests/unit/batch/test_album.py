"""The page of a batch: nothing in it is taken for markup, and it does not pass through memory as a whole."""

import tracemalloc
from pathlib import Path

import pytest

from darkdiff_cli.batch.album import Album
from darkdiff_cli.batch.claims import Task
from darkdiff_cli.batch.jobs import Job
from darkdiff_cli.batch.ledger import Entry
from darkdiff_cli.batch.run import Summary
from darkdiff_cli.batch.worker import Finished
from darkdiff_cli.errors import OutputError


def finished(entry: Entry, thumbnails: tuple[bytes, bytes] | None) -> Finished:
    return Finished(Task(Job(Path(), entry.source, Path(), entry.output), entry.key), entry, thumbnails)


def test_names_and_sentences_are_text_and_numbers_are_rounded(tmp_path: Path) -> None:
    done = Entry("a", 'a <1> & "b".dng', "a&.jpg", "done", None, 149.6, 4.25)
    failed = Entry("b", "<b>.dng", "b.jpg", "failed", "<b>.dng: is broken & gone.")
    album = Album(tmp_path / "page.html")
    album.add(finished(done, (b"before", b"after")))
    album.add(finished(failed, None))
    album.save(Summary(2, [done], [failed], 3, "the <disk> is full"))
    page = (tmp_path / "page.html").read_text()
    assert "<p>1 done, 1 failed, 3 skipped: settled by an earlier run, or in work elsewhere.</p>" in page
    assert '<p class="failed">Ended early: the &lt;disk&gt; is full</p>' in page
    assert "<tr><td>&lt;b&gt;.dng</td><td>&lt;b&gt;.dng: is broken &amp; gone.</td></tr>" in page
    assert '<img src="data:image/jpeg;base64,YmVmb3Jl" alt="a &lt;1&gt; &amp; &#34;b&#34;.dng, amplified">' in page
    assert '<img src="data:image/jpeg;base64,YWZ0ZXI=" alt="a&amp;.jpg">' in page
    assert "<small>x150, 4.2 s</small>" in page
    assert page.count("<figure>") == 1


@pytest.mark.parametrize(("failures", "state"), [(1, "<details open>"), (10, "<details open>"), (11, "<details>")])
def test_many_failures_are_shown_at_a_click(failures: int, state: str, tmp_path: Path) -> None:
    failed = [Entry(str(n), f"{n}.dng", f"{n}.jpg", "failed", "broken") for n in range(failures)]
    Album(tmp_path / "page.html").save(Summary(failures, [], failed))
    page = (tmp_path / "page.html").read_text()
    assert f'{state}<summary class="failed">{failures} failed</summary>' in page
    assert page.count("<tr>") == failures


def test_a_page_without_photos_or_failures_has_no_headings_for_them(tmp_path: Path) -> None:
    Album(tmp_path / "page.html").save(Summary())
    page = (tmp_path / "page.html").read_text()
    assert "<h2>" not in page
    assert "<details" not in page
    assert page.endswith("<main>\n</main></body></html>\n")


def test_memory_does_not_grow_with_the_batch(tmp_path: Path) -> None:
    """Two hundred figures of 200 kB each: 50 MB of page through less than 4 MB of memory."""
    album, done = Album(tmp_path / "page.html"), [Entry("", "a.dng", "a.jpg", "done", None, 1.0, 1.0)] * 200
    thumbnails = (bytes(100_000), bytes(100_000))
    tracemalloc.start()
    for entry in done:
        album.add(finished(entry, thumbnails))
    album.save(Summary(200, done))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "page.html").stat().st_size > 50e6
    assert peak < 4e6


def test_a_page_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"page\.html: cannot be written"):
        Album(tmp_path / "file" / "page.html").save(Summary())
