"""The page of a real batch in a real browser: what a photographer sees, moves, clicks and reads, from a disk."""

import base64
import io
import json
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.batch.album.page import save_page
from darkdiff_cli.batch.album.previews import FOLDER, Preview, keep_preview
from darkdiff_cli.batch.ledger import Entry
from darkdiff_cli.batch.tally import Summary
from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.photo import PhotoSettings, Provenance, write_photo
from tests.browser import Browser, chromium

NAMES = ("a b#1 100%.dng", 'why? "it\'s" <i>x</i>&amp;.dng', "夜 %41.dng", "plain.dng")


def batch(folder: Path, model: Path, *more: object):
    words = ("batch", folder, "--model", model, "--ratio", 150, "--recursive", *more)
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def night(tmp_path_factory, shoot, model_folder) -> Path:
    """Raws of odd names, one of them in a subfolder, one broken; made to JPEG, and one of them to TIFF as well."""
    folder = tmp_path_factory.mktemp("night") / "night #1"
    for number, name in enumerate(NAMES):
        shoot(folder / ("second card" if number == 3 else "") / name, 150.0, 1 / 30, 3200)
    (folder / "broken<b>.dng").write_bytes(b"no raw at all")
    (folder / "plain.xmp").touch()
    done = batch(folder, model_folder)
    assert done.exit_code == 1, done.stderr
    page = folder / "darkdiff" / "darkdiff-report.html"
    assert f"Look at them: {page}\n" in done.stderr
    assert batch(folder, model_folder, "--format", "tiff", "--include", "plain.dng").exit_code == 0
    return page


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as found:
        yield found


@pytest.fixture
def page(browser: Browser, night: Path) -> Browser:
    browser.look(1440)
    browser.open(night.as_uri())
    everything = "Promise.all([...document.images].map(i => (i.loading = 'eager', i.decode().catch(() => i.src))))"
    assert browser.get(everything) == [None] * browser.get("document.images.length")
    return browser


def test_every_photo_is_found_whatever_its_name_and_nothing_else_is_asked_for(page: Browser, night: Path) -> None:
    photos = sorted(path for path in night.parent.rglob("*.jpg"))
    assert len(photos) == len(NAMES)
    files = [unquote(address) for address in page.asked if address.startswith("file:")]
    assert sorted(files) == sorted(f"file://{path}" for path in [night, *photos])
    assert all(
        address.startswith(("file:", "data:image/jpeg;base64,")) for address in page.asked if address != "data:,"
    )
    assert page.get("[...document.querySelectorAll('.photo h3')].map(e => e.textContent)") == sorted(
        [*NAMES[:3], *["second card/plain.dng"] * 2]
    )
    assert page.get("document.querySelectorAll('i, .photo b').length") == 0
    assert "broken<b>.dng: " in page.get("document.querySelector('#failed').innerText")


def test_what_a_photo_says(page: Browser) -> None:
    text = page.get("document.querySelector('.photo dl').innerText")
    for word in ("1/30 s", "f/1.8", "3200", "Sony ILCE-7SM2", "×150"):
        assert word in text


def test_the_slider_moves_by_mouse_and_keyboard(page: Browser) -> None:
    share = (
        "(p => { const c = getComputedStyle(p.querySelector('.cover')).clipPath.match(/[\\d.]+%/)[0];"
        "const [d, b] = ['.divider', '.compare'].map(s => p.querySelector(s).getBoundingClientRect());"
        "return [c, Math.round(100 * (d.x + 1 - b.x) / b.width)] })(document.querySelector('.photo'))"
    )
    assert page.get(share) == ["50%", 50]
    page.click(".photo input[type=range]")
    for _ in range(10):
        page.press("ArrowLeft", 37)
    assert page.get("document.activeElement.value") == "40"
    assert page.get(share) == ["60%", 40]
    page.press("End", 35)
    assert page.get(share) == ["0%", 100]
    page.press("Home", 36)
    assert page.get(share) == ["100%", 0]
    assert (
        page.get("getComputedStyle(document.querySelectorAll('.photo')[1]).getPropertyValue('--cut')").strip() == "50%"
    )


def test_before_and_after_are_the_same_picture_at_screen_size_and_at_1_to_1(page: Browser, night: Path) -> None:
    """Of the toy model's photos nothing is known, so what is compared is where the pixels are."""
    boxes = (
        "[...document.querySelectorAll('.photo img')].filter(i => i.checkVisibility()).slice(0, 2)"
        ".map(i => { const r = i.getBoundingClientRect(); return [r.x, r.y, r.width, r.height] })"
    )
    first, second = page.get(boxes)
    assert first == second
    page.click(".photo button")
    assert page.get("document.querySelector('.photo button').getAttribute('aria-pressed')") == "true"
    first, second = page.get(boxes)
    assert first == second
    link = page.get("document.querySelector('.photo .compare').getAttribute('href')")
    with Image.open(night.parent / unquote(link)) as photo:
        assert first[2:] == [min(480, photo.width), min(360, photo.height)]
    natural = "[...document.querySelectorAll('.photo img')].filter(i => i.checkVisibility())[0].naturalWidth"
    assert page.get(natural) == photo.width
    page.press("Enter", 13)
    page.get("document.querySelector('.photo button').focus()")
    page.press(" ", 32)
    assert page.get("document.querySelector('.photo').classList.contains('zoomed')") is False


@pytest.mark.parametrize("width", [360, 1440])
def test_the_zoom_shows_the_photos_own_pixels(browser: Browser, tmp_path: Path, width: int) -> None:
    """Of a photo larger than the crop, where the crop lies, and the raw's crop beside it on the left."""
    picture = np.random.default_rng(0).uniform(0.5, 1, (75, 100, 3)).repeat(12, 0).repeat(12, 1).astype(np.float32)
    write_photo(tmp_path / "a.png", picture, CaptureMetadata(), Provenance({}), PhotoSettings("png", 8))
    black = io.BytesIO()
    Image.new("RGB", (480, 360)).save(black, "JPEG")
    dark = base64.b64encode(black.getvalue()).decode()
    keep_preview(tmp_path, "a.png", Preview("key", 1200, 900, (301, 404, 480, 360), {}, dark, dark))
    entry = Entry("key", "a.dng", "a.png", "done", None, 1.0, 1.0)
    assert save_page(tmp_path / "page.html", tmp_path, tmp_path, [entry], Summary(1, [entry]))
    browser.look(width)
    browser.open((tmp_path / "page.html").as_uri())
    browser.click(".photo button")
    browser.get("document.querySelector('.photo').style.setProperty('--cut', '25%')")
    browser.get("Promise.all([...document.images].map(i => (i.loading = 'eager', i.decode())))")
    box = browser.get(
        "(r => [r.x, r.y, r.width, r.height])(document.querySelector('.photo .compare').getBoundingClientRect())"
    )
    x, y, wide, high = map(round, box)
    assert (wide, high) == (min(480, width - 66), 360)
    seen = np.asarray(Image.open(io.BytesIO(browser.picture())).convert("RGB"))[y : y + high, x : x + wide]
    photo = np.asarray(Image.open(tmp_path / "a.png"))
    left = 301 + (480 - wide) // 2  # a narrow window shows the middle
    expected = photo[404 : 404 + high, left : left + wide]
    after, middle = slice(wide // 4 + 8, None), slice(50, None)  # the words are above
    assert np.array_equal(seen[middle, after], expected[middle, after])
    assert seen[middle, : wide // 4 - 8].max() == 0


@pytest.mark.parametrize("width", [390, 1440])
def test_no_photo_is_larger_than_its_pixels_and_no_hole_is_in_the_grid(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    """A wide, an upright and a small photo, and one with notes."""
    entries, shapes = [], [(3000, 2000), (2000, 3000), (300, 200), (3000, 2000)]
    for number, (wide, high) in enumerate(shapes):
        (tmp_path / f"{number}.png").touch()
        crop = (0, 0, min(480, wide), min(360, high))
        keep_preview(tmp_path, f"{number}.png", Preview(f"{number}", wide, high, crop, {}, "", ""))
        notes = ("it has much to say",) * (number == 3)
        entries.append(Entry(f"{number}", f"{number}.dng", f"{number}.png", "done", None, 1.0, 1.0, notes))
    assert save_page(tmp_path / "page.html", tmp_path, tmp_path, entries, Summary(4, entries))
    browser.look(width)
    browser.open((tmp_path / "page.html").as_uri())
    browser.get("document.querySelectorAll('.photo').forEach(e => e.style.contentVisibility = 'visible')")
    sizes = (
        "[...document.querySelectorAll('{}')].map(e => {{ const r = e.getBoundingClientRect();"
        "return [r.top, r.bottom, r.width, r.height].map(Math.round) }})"
    )
    pictures = [size[2:] for size in browser.get(sizes.format(".compare"))]
    assert pictures[2] == [300, 200]
    for (wide, high), (shown_wide, shown_high) in zip(shapes, pictures, strict=True):
        assert shown_wide / shown_high == pytest.approx(wide / high, rel=0.01)
    cards = browser.get(sizes.format(".photo"))
    if width == 1440:
        assert cards[0][:2] == cards[1][:2]
        assert cards[2][:2] == cards[3][:2]
        assert pictures[1][1] == pytest.approx(pictures[0][1], rel=0.1)  # upright ones are no higher
    below = cards[::2] if width == 1440 else cards
    assert [after[0] - before[1] for before, after in pairwise(below)] == [16] * (len(below) - 1)


def test_a_click_on_the_picture_opens_the_photo(page: Browser, night: Path) -> None:
    link = page.get("document.querySelectorAll('.photo .compare')[1].href")
    page.leave()
    page.click(".photo:nth-of-type(2) .compare")
    page.arrive()
    assert page.get("location.href") == link
    assert page.get("document.contentType") == "image/jpeg"
    assert Path(unquote(link.removeprefix("file://"))).is_file()


def test_a_photo_that_the_browser_cannot_show_has_its_own_preview(page: Browser) -> None:
    sources = page.get(
        "[...document.querySelector('[href$=tif]').querySelectorAll('img')].map(i => i.src.slice(0, 20))"
    )
    assert sources == ["data:image/jpeg;base"] * 4


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1440])
def test_it_fits_the_window_and_can_be_read(browser: Browser, night: Path, width: int, dark: bool) -> None:
    browser.look(width, dark=dark)
    browser.open(night.as_uri())
    assert browser.get("[innerWidth, document.documentElement.scrollWidth]") == [width, width]
    edges = (
        "[...document.querySelectorAll('main *, header *')].filter(e => e.checkVisibility() && !e.closest('.compare'))"
    )
    assert browser.get(f"Math.max(...{edges}.map(e => e.getBoundingClientRect().right))") <= width - 16
    columns = browser.get("getComputedStyle(document.querySelector('main')).gridTemplateColumns").split()
    assert len(columns) == (1 if width == 360 else 2)
    controls = "[...document.querySelectorAll('.photo button, .photo input, .actions a')]"
    assert browser.get(f"Math.min(...{controls}.map(e => e.getBoundingClientRect().height))") >= 44  # a thumb's width
    assert browser.get(CONTRAST) >= 4.5  # WCAG 2.1, 1.4.3
    background = browser.get("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, background[4:-1].split(","))) < 384) is dark


CONTRAST = """(() => {
  const light = text => { const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b };
  const under = e => { const c = getComputedStyle(e).backgroundColor;
    return c === "rgba(0, 0, 0, 0)" ? under(e.parentElement) : c };
  const texts = document.querySelectorAll("h1, h3, p, p a, li, summary, dt, dd, label, button, .actions a");
  return Math.min(...[...texts].map(e => {
    const [a, b] = [light(getComputedStyle(e).color), light(under(e))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05) }));
})()"""


def test_a_run_that_has_nothing_to_do_leaves_the_page_whole(night: Path, model_folder: Path) -> None:
    folder = night.parent.parent
    again = json.loads(batch(folder, model_folder, "--json").stdout)
    assert (again["done"], again["report"]) == ([], str(night))
    text = night.read_text("utf-8")
    assert text.count("<article") == len(NAMES) + 1
    assert "broken&lt;b&gt;.dng" in text


def test_without_a_report_nothing_is_kept_for_it(tmp_path: Path, dark_dng: Path, model_folder: Path) -> None:
    shutil.copy(dark_dng, tmp_path / "IMG.dng")
    done = batch(tmp_path, model_folder, "--no-report", "--json")
    assert json.loads(done.stdout)["report"] is None
    assert not (tmp_path / "darkdiff" / FOLDER).exists()
    assert not list(tmp_path.rglob("*.html"))
    both = batch(tmp_path, model_folder, "--no-report", "--report", tmp_path / "page.html")
    assert (both.exit_code, "drop one of them" in both.stderr) == (2, True)


def test_a_report_never_takes_the_place_of_another_file(tmp_path: Path, dark_dng: Path, model_folder: Path) -> None:
    raw = Path(shutil.copy(dark_dng, tmp_path / "IMG.dng"))
    before, diary = raw.read_bytes(), tmp_path / "diary.html"
    diary.write_text("<p>Dear diary")
    for page, words in ((raw, "ends in .html"), (diary, "no page of darkdiff")):
        refused = batch(tmp_path, model_folder, "--report", page)
        assert (refused.exit_code, words in refused.stderr) == (2, True)
    assert (raw.read_bytes(), diary.read_text()) == (before, "<p>Dear diary")
    assert not (tmp_path / "darkdiff").exists()
    for _ in range(2):  # its own page may be written again
        assert batch(tmp_path, model_folder, "--report", tmp_path / "page.html", "--quiet").exit_code == 0
