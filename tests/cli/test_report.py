"""The report in a real browser: pictures load, the slider moves, the console stays silent."""

import json
import re
import resource
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.errors import OutputError
from darkdiff_cli.evaluation.quality.run import Results, Row, picture_path
from darkdiff_cli.evaluation.report.page import write_report
from darkdiff_cli.evaluation.report.plots import growth_plot, sweep_plots
from darkdiff_cli.evaluation.speed.results import STAGES, SpeedResults, Timing

PROBE = """<script>
addEventListener("load", () => {
  const input = document.querySelector(".slider input"), box = input.parentElement;
  const after = box.querySelector(".after"), before = getComputedStyle(after).clipPath;
  input.value = 20; input.dispatchEvent(new Event("input"));
  const images = [...document.images];
  const probe = document.createElement("pre");
  probe.id = "probe";
  probe.textContent = JSON.stringify({
    before, moved: getComputedStyle(after).clipPath, images: images.length,
    loaded: images.filter(image => image.naturalWidth > 0).length,
    wide: document.documentElement.scrollWidth, view: innerWidth,
  });
  document.body.append(probe);
});
</script></body>"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A report with two scenes, three methods and timings."""
    import imageio.v3 as iio

    rng, rows = np.random.default_rng(0), []
    for scene in ("one_x100", "two_x300"):
        for place, method in enumerate(("tiny", "tiny stage1", "amplify", "reference")):
            path = picture_path(tmp_path / "out", method, scene)
            path.parent.mkdir(parents=True, exist_ok=True)
            iio.imwrite(path, rng.integers(0, 255, (300, 500, 3), dtype=np.uint8))
            if method != "reference":
                scores = {"psnr": 25.0 - place, "ssim": 0.7, "lpips": 0.2 + 0.1 * place, "colour": 3.0}
                rows.append(Row("scenes v1", method, method, scene, 100.0, scores, 1.0))
    seconds = {stage: 0.5 + index for index, stage in enumerate(STAGES)}
    timing = Timing(3.0, seconds, dict.fromkeys(STAGES, 1.1), 8, 104, 80, 1.2745, 4)
    speed = SpeedResults("cpu", "float32", "tiny", "paper", 4, 1.0, 1, 32, [timing], 0.2, 0.1)
    path = tmp_path / "bench.html"
    write_report(path, Results("scenes v1: <every> pair", rows, ["x: broken"]), speed, tmp_path / "out")
    return path


def test_page_escapes_and_holds_every_number(page: Path) -> None:
    text = page.read_text()
    assert "scenes v1: &lt;every&gt; pair" in text
    assert "x: broken" in text
    assert text.count("<figure>") == 2 * 4
    assert "<td>3</td><td>8</td><td>104x80</td><td>1.27</td><td>4</td>" in text
    found = json.loads(page.with_suffix(".json").read_text())
    assert found["quality"]["methods"]["tiny"]["psnr"]["mean"] == 25.0
    assert found["speed"]["seconds_per_megapixel"] == [pytest.approx(sum(0.5 + i for i in range(len(STAGES))) / 3)]


@pytest.mark.parametrize("room", [1_000, 10_000])  # bytes: the page does not fit; the page fits, and JSON does not
def test_on_a_full_disk_every_file_of_a_report_is_whole_or_as_it_was(room: int, tmp_path: Path) -> None:
    row = Row("scenes v1", "tiny", "tiny", "one", 100.0, {"psnr": 25.0}, 1.0)
    files = [tmp_path / f"bench.{kind}" for kind in ("html", "json", "csv")]
    write_report(files[0], Results("p", [row]), None, tmp_path)
    before = {path: path.read_bytes() for path in files}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        with pytest.raises(OutputError, match="the disk is full"):
            write_report(files[0], Results("another", [row] * 100), None, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert set(tmp_path.iterdir()) == set(files)
    assert files[0].read_text().rstrip().endswith("</html>")
    assert (files[0].read_bytes() == before[files[0]]) == (room == 1_000)
    assert [path.read_bytes() for path in files[1:]] == [before[path] for path in files[1:]]


@pytest.mark.parametrize("size", ["1200,900", "400,800"])  # a desk and a phone
def test_report_works_in_a_browser(page: Path, size: str, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    page.write_text(page.read_text().replace("</body>", PROBE))
    command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0",
               f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={size}", "--virtual-time-budget=5000",
               "--dump-dom", page.as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    probe = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout)
    assert probe is not None, done.stderr[-2000:]
    seen = json.loads(probe[1])
    assert seen["loaded"] == seen["images"] == 2 * (2 + 4)
    assert "50%" in seen["before"]
    assert "20%" in seen["moved"]
    assert seen["wide"] <= seen["view"]  # nothing to scroll sideways to
    assert "CONSOLE" not in done.stderr


def test_sweeps_and_sizes_are_plotted(tmp_path: Path) -> None:
    rows = []
    for steps in (4, 20):
        for guidance, gain in ((1.0, 0.0), (2.0, 0.05)):
            name = f"tiny steps {steps} guidance {guidance:g}"
            scores = {"psnr": 24.0 + steps / 10, "lpips": 0.3 - gain - steps / 1000}
            rows.append(Row("scenes v1", name, name, "one", 100.0, scores, 1.0))
    plots = sweep_plots(Results("p", rows))
    assert len(plots) == 2
    assert plots[0].count("<polyline") == 2  # one line a guidance
    assert plots[0].count("<circle") == 4
    assert "tiny, guidance 2" in plots[0]
    assert sweep_plots(Results("p", rows[:1])) == []
    by_views = [replace(row, method=f"{row.method} views {views}") for row in rows for views in (1, 2)]
    assert sweep_plots(Results("p", by_views))[0].count("<polyline") == 4  # and one for each number of views
    stages = dict.fromkeys(STAGES, 1.0)
    timings = [Timing(size, dict.fromkeys(STAGES, size), stages, 1, 64, 64, 1.0, 1) for size in (3.0, 12.0)]
    speed = SpeedResults("cpu", "float32", "tiny", "paper", 4, 1.0, 1, 32, timings, 0.2, 0.1)
    assert growth_plot(speed).count("<circle") == 2
    write_report(tmp_path / "r.html", Results("p", rows), speed, tmp_path)
    text = (tmp_path / "r.html").read_text()
    assert (text.count("<svg"), text.count('<table id="memory">')) == (3, 0)
    write_report(tmp_path / "r.html", None, replace(speed, memory_by_stage=True), tmp_path)
    assert (tmp_path / "r.html").read_text().count('<table id="memory">') == 1
