"""KID in a run: of the set, kept for the next run, and shown."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from darkdiff_cli.datasets.rawpairs import RawPair
from darkdiff_cli.evaluation.methods.method import Method
from darkdiff_cli.evaluation.protocols.protocol import get_protocol
from darkdiff_cli.evaluation.quality.metrics import Judge, prepare
from darkdiff_cli.evaluation.quality.realism import Features, kid, patch_features
from darkdiff_cli.evaluation.quality.run import Results, run_quality
from darkdiff_cli.evaluation.report.page import write_report
from darkdiff_cli.evaluation.report.quality_tables import quality_table
from darkdiff_cli.evaluation.sample import night_scene, write_sample
from darkdiff_cli.raw import RawFrame, corrected, develop, read_raw, render_reference
from darkdiff_cli.raw.rendering import render_linear
from darkdiff_models.learning.lpips import LPIPS
from tests.conftest import DECODER

SCENES = replace(get_protocol("scenes-levels"), crop=128)  # four patches


class Counting(Method):
    """The amplified frame, or the clean one's rendering; how often it was asked is counted."""

    def __init__(self, name: str) -> None:
        self.name, self.count = name, 0

    def render(self, dark: RawFrame, clean: RawFrame | None, ratio: float) -> np.ndarray:
        self.count += 1
        assert clean is not None
        return render_reference(clean) if self.name == "clean" else render_linear(develop(dark, ratio, "srgb"))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> list[RawPair]:
    folder = tmp_path_factory.mktemp("scenes")
    write_sample(folder, night_scene()[240:528, 60:476])
    return SCENES.find(folder)


@pytest.fixture(scope="module")
def judge() -> Judge:
    torch.manual_seed(0)
    return Judge(SCENES, vgg=LPIPS("vgg"))


def run(pairs, judge: Judge, output: Path, *methods: Method) -> Results:
    return run_quality(pairs, methods, judge, output, lambda *_: None, DECODER)


@pytest.fixture(scope="module")
def results(pairs, judge: Judge, tmp_path_factory) -> Results:
    return run(pairs, judge, tmp_path_factory.mktemp("out"), Counting("amplified"), Counting("clean"))


def test_it_is_of_the_pictures_that_are_judged(results: Results, pairs, judge: Judge) -> None:
    assert judge.vgg is not None
    expected = []
    for pair in pairs:
        dark, clean = (read_raw(path) for path in (pair.noisy, pair.clean))
        assert pair.ratio is not None
        dark = Counting("amplified").render(corrected(dark, SCENES.corrections), clean, pair.ratio)
        both = (prepare(picture, SCENES) for picture in (dark, render_reference(clean)))
        expected.append(Features(*(patch_features(picture, judge.vgg) for picture in both)))
    assert results.kid["amplified"] == pytest.approx(kid(expected), rel=1e-6)
    assert results.kid["clean"]["mean"] == pytest.approx(0.0, abs=1e-9)
    assert results.summary("amplified")["kid"] == results.kid["amplified"]


def test_a_resumed_run_renders_nothing_again_unless_features_are_gone(pairs, judge: Judge, tmp_path: Path) -> None:
    method = Counting("amplified")
    without = run(pairs, Judge(SCENES), tmp_path, method)
    assert (method.count, without.kid, (tmp_path / "features").exists()) == (2, {}, False)
    first = run(pairs, judge, tmp_path, method)
    assert method.count == 4
    again = run(pairs, judge, tmp_path, method)
    assert (method.count, again.kid) == (4, first.kid)
    files = sorted((tmp_path / "features").iterdir())
    assert len(files) == 2
    files[0].unlink()
    files[1].write_bytes(b"cut off")
    assert run(pairs, judge, tmp_path, method).kid == first.kid
    assert method.count == 6


def test_one_picture_is_no_set(pairs, judge: Judge, tmp_path: Path) -> None:
    results = run(pairs[:1], judge, tmp_path, Counting("amplified"))
    assert results.kid == {}
    assert "KID x1000" not in quality_table(results)[0]


def test_it_is_in_the_table_the_page_and_the_json(results: Results, tmp_path: Path) -> None:
    head, row, _ = quality_table(results)
    found = results.kid["amplified"]
    cell = row[head.index("KID x1000")]
    assert float(cell.split()[0]) == pytest.approx(found["mean"], abs=6e-3)
    write_report(tmp_path / "page.html", results, None, tmp_path / "out")
    page = (tmp_path / "page.html").read_text()
    assert f"<td>{cell}</td>" in page
    assert "KID in thousandths" in page
    written = json.loads((tmp_path / "page.json").read_text())["quality"]["methods"]["amplified"]
    assert written["kid"] == found
    with (tmp_path / "page.csv").open() as file:
        assert "kid" not in next(csv.reader(file))  # a row is a picture
