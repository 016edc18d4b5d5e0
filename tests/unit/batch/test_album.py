"""The page of a batch: names are text, addresses survive any name, earlier runs are on it, memory stays small."""

import tracemalloc
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest

from darkdiff_cli.batch.album import page as page_module
from darkdiff_cli.batch.album.page import link_to, save_page, settled
from darkdiff_cli.batch.album.previews import Preview, keep_preview
from darkdiff_cli.batch.ledger import Entry, Ledger
from darkdiff_cli.batch.tally import Summary
from darkdiff_cli.errors import OutputError

PREVIEW = Preview("key", 4000, 3000, (1000, 800, 480, 360), {"ISO": "3200"}, "YmVmb3Jl", "Y3JvcA==")
DONE = Entry("key", "a.dng", "a.jpg", "done", None, 149.6, 4.25)


def photo(root: Path, entry: Entry, preview: Preview | None = PREVIEW) -> Entry:
    (root / entry.output).parent.mkdir(parents=True, exist_ok=True)
    (root / entry.output).touch()
    if preview is not None:
        keep_preview(root, entry.output, replace(preview, key=entry.key))
    return entry


class Text(HTMLParser):
    """What a page shows, and its tags with their attributes."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_names_and_sentences_are_text_and_numbers_are_rounded(tmp_path: Path) -> None:
    folder = tmp_path / "<night>"
    bad = '"><img src=x onerror=alert(1)>.dng'
    shot = replace(PREVIEW, shot={"Camera": "<i>Sony</i>"})
    done = photo(folder, replace(DONE, source=bad, notes=("black level <0> is unlikely",)), shot)
    failed = Entry("b", "<b>.dng", "b.jpg", "failed", f"{folder / '<b>.dng'}: is broken & gone.")
    summary = Summary(2, [done], [failed], 3, "the <disk> is full")
    assert save_page(folder / "page.html", folder, folder, [done], summary)
    page = Text(folder / "page.html")
    assert {tag for tag, _ in page.tags} & {"i", "night", "disk", "0"} == set()
    assert not any("onerror" in attributes for _, attributes in page.tags)
    for text in (
        "<night>", bad, "<i>Sony</i>", "×150", "4.2 s", "4000 × 3000", "Black level <0> is unlikely.",
        "<b>.dng: is broken & gone.", "1 photo, 1 failed, 1 with notes.", "Ended early: The <disk> is full.",
        "This run: 1 done, 1 failed, 3 skipped",
    ):  # fmt: skip
        assert text in page.text
    assert page.text.index("<b>.dng: is broken") < page.text.index(bad)  # failures first
    style = next(attributes["style"] for tag, attributes in page.tags if tag == "article")
    assert "--w: 4000; --h: 3000; --x: 1000; --y: 800; --cw: 480; --ch: 360" in (style or "")


@pytest.mark.parametrize(
    "name",
    ["a b.jpg", "a#b?c=1&d.jpg", "100%.jpg", "%41.jpg", "a'b\"c<d>.jpg", "夜 é.jpg", "a:b.jpg", "c\\d.jpg", "n\nl.jpg"],
)
def test_a_link_leads_back_to_the_name(tmp_path: Path, name: str) -> None:
    link = link_to(tmp_path / "out" / name, tmp_path / "page.html")
    assert link.isascii()
    assert not set(link) & set(" #?&:'\"<>\\\n")
    assert unquote_to_bytes(link).decode() == f"out/{name}"
    assert link_to(tmp_path / name, tmp_path / "deep" / "er" / "page.html").startswith("../../")


def test_names_that_are_no_utf8_have_a_link(tmp_path: Path) -> None:
    assert link_to(tmp_path / "caf\udce9.jpg", tmp_path / "page.html") == "caf%E9.jpg"


def test_a_photo_that_browsers_show_is_linked_and_another_embedded(tmp_path: Path) -> None:
    tiff = replace(PREVIEW, after="YWZ0ZXI=", crop_after="cGFydA==")
    entries = [photo(tmp_path, DONE), photo(tmp_path, replace(DONE, key="t", output="a.tif"), tiff)]
    assert save_page(tmp_path / "page.html", tmp_path, tmp_path, entries, Summary(2, entries))
    page = Text(tmp_path / "page.html")
    images = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    data = "data:image/jpeg;base64,"
    assert images == ["a.jpg", f"{data}YmVmb3Jl", f"{data}Y3JvcA==", f"{data}YWZ0ZXI=", f"{data}cGFydA==",
                      f"{data}YmVmb3Jl", f"{data}Y3JvcA=="]  # fmt: skip
    assert all(attributes["loading"] == "lazy" for tag, attributes in page.tags if tag == "img")
    assert [a["href"] for tag, a in page.tags if tag == "a"] == ["a.jpg", "a.jpg", "a.tif", "a.tif"]
    assert [a.get("title") for tag, a in page.tags if tag == "a"] == ["Open photo", None, "Download TIFF", None]
    assert ("Open photo" in page.text, "Download TIFF" in page.text) == (True, True)
    assert all(
        a.get("aria-label") for tag, a in page.tags if tag in ("a", "input", "button") and a.get("type") != "checkbox"
    )


def test_earlier_runs_are_on_the_page_and_what_is_gone_is_not(tmp_path: Path) -> None:
    """Of each photo the last line counts: a failure that was put right is none."""
    ledger, gone = Ledger(tmp_path), replace(DONE, key="gone", source="gone.dng", output="gone.jpg")
    broken = [Entry(name, f"{name}.dng", f"{name}.jpg", "failed", "broken") for name in ("b", "c", "d")]
    for entry in (DONE, gone, *broken):
        ledger.append(entry)
    photo(tmp_path, DONE)
    for name in ("b", "c"):
        (tmp_path / f"{name}.dng").touch()  # the raw of d was deleted
    righted = photo(tmp_path, Entry("c2", "c.dng", "c.jpg", "done", None, 2.0, 1.0))
    ledger.append(righted)
    lost = Entry("", "sub", "", "failed", "sub: cannot be read.")
    failed, done = settled(tmp_path, tmp_path, ledger.entries().values(), Summary(1, [righted], [lost]))
    assert ([entry.source for entry in failed], list(done)) == (["b.dng", "sub"], [DONE, righted])
    again = replace(DONE, key="again")  # with other settings: it is the newest now
    assert settled(tmp_path, tmp_path, (DONE, righted, again), Summary())[1] == [righted, again]
    ledger.append(broken[1])  # it fails again with the settings of before
    failed, done = settled(tmp_path, tmp_path, ledger.entries().values(), Summary())
    assert ([entry.source for entry in failed], list(done)) == (["b.dng", "c.dng"], [DONE])


def test_photos_without_a_preview_and_beyond_the_most_are_counted(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(page_module, "MOST", 3)
    entries = [photo(tmp_path, replace(DONE, key=f"{n}", source=f"{n}.dng", output=f"{n}.jpg")) for n in range(4)]
    entries.append(photo(tmp_path, replace(DONE, key="bare", output="bare.jpg"), None))
    assert save_page(tmp_path / "page.html", tmp_path, tmp_path, entries, Summary())
    page = Text(tmp_path / "page.html")
    assert [a["src"] for tag, a in page.tags if tag == "img" and a.get("class") == "photograph"] == ["2.jpg", "3.jpg"]
    assert "2 photos." in page.text
    assert "2 older ones are in the folder too." in page.text
    assert "1 photo is not shown, because no preview was kept." in page.text


@pytest.mark.parametrize("odd", [{"output": "x.xyz"}, {"ratio": None}, {"seconds": None}])
def test_a_line_that_is_no_photo_of_ours_is_left_out(odd: dict[str, Any], tmp_path: Path) -> None:
    shown = replace(PREVIEW, after="YWZ0ZXI=", crop_after="cGFydA==")
    entries = [photo(tmp_path, DONE), photo(tmp_path, replace(DONE, **{"key": "x", "output": "x.tif", **odd}), shown)]
    assert save_page(tmp_path / "page.html", tmp_path, tmp_path, entries, Summary())
    page = Text(tmp_path / "page.html")
    assert [a["src"] for tag, a in page.tags if tag == "img" and a.get("class") == "photograph"] == ["a.jpg"]
    assert "1 photo is not shown, because no preview was kept." in page.text


@pytest.mark.parametrize(("failures", "state"), [(1, {"open": None}), (10, {"open": None}), (11, {})])
def test_many_failures_are_shown_at_a_click(failures: int, state: dict, tmp_path: Path) -> None:
    failed = [Entry(str(n), f"{n}.dng", f"{n}.jpg", "failed", "broken") for n in range(failures)]
    assert save_page(tmp_path / "page.html", tmp_path, tmp_path, [], Summary(failures, [], failed))
    page = Text(tmp_path / "page.html")
    assert [attributes for tag, attributes in page.tags if tag == "details"] == [state]
    assert page.text.count(": broken") == failures
    assert "article" not in [tag for tag, _ in page.tags]


def test_nothing_to_show_is_no_page(tmp_path: Path) -> None:
    assert not save_page(tmp_path / "page.html", tmp_path, tmp_path, [], Summary(skipped=3))
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_the_batch(tmp_path: Path) -> None:
    """A hundred photos of 300 kB each: 30 MB of page through less than 5 MB of memory."""
    large = replace(PREVIEW, before="A" * 200_000, crop_before="A" * 100_000)
    entries = [photo(tmp_path, replace(DONE, key=f"{n}", output=f"{n}.jpg"), large) for n in range(100)]
    save_page(tmp_path / "page.html", tmp_path, tmp_path, entries, Summary(100, entries))  # modules are loaded
    peaks = []
    for _ in range(3):  # what threads of other tests take meanwhile counts too
        tracemalloc.start()
        save_page(tmp_path / "page.html", tmp_path, tmp_path, entries, Summary(100, entries))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (tmp_path / "page.html").stat().st_size > 30e6
    assert min(peaks) < 5e6


def test_a_page_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    failed = [Entry("a", "a.dng", "a.jpg", "failed", "broken")]
    with pytest.raises(OutputError, match=r"page\.html: cannot be written"):
        save_page(tmp_path / "file" / "page.html", tmp_path, tmp_path, [], Summary(1, [], failed))
