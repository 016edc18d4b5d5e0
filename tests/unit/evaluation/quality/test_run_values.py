"""What a pair's scores are worked out from: frames, ratio, references."""

import json
from dataclasses import replace
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.datasets import RawPair
from darkdiff_cli.datasets.rawpairs import metered_by
from darkdiff_cli.evaluation.methods.baselines import Amplified
from darkdiff_cli.evaluation.methods.method import Method
from darkdiff_cli.evaluation.protocols.protocol import get_protocol
from darkdiff_cli.evaluation.quality.metrics import Judge
from darkdiff_cli.evaluation.quality.realism import Features
from darkdiff_cli.evaluation.quality.run import Results, run_quality
from darkdiff_cli.raw import RawFrame, develop, read_raw, render_reference
from darkdiff_cli.raw.rendering import render_linear
from tests.conftest import DECODER

SCENES = replace(get_protocol("scenes"), line_noise="off", hot_pixels="off")


class OwnReference(Method):
    """A grey picture, judged against grey."""

    name = "own reference"

    def render(self, dark: RawFrame, clean: RawFrame, ratio: float) -> np.ndarray:
        return np.full((50, 60, 3), 0.5, np.float32)  # larger than the scene

    def reference(self, clean: RawFrame) -> np.ndarray:
        return np.full((40, 56, 3), 0.6, np.float32)


@pytest.fixture
def files(shoot, tmp_path: Path) -> tuple[Path, Path]:
    """A dark frame under a wrong white balance, and the clean one: 1 s against 0.05 s."""
    dark = shoot(tmp_path / "dark.dng", 20.0, 0.05, balance=(1.4, 1.0, 2.6))
    return dark, shoot(tmp_path / "clean.dng", 1.0, 1.0)


def scored(pair: RawPair, judge: Judge, output: Path, *methods: Method) -> Results:
    return run_quality([pair], methods or (Amplified(),), judge, output, lambda *_: None, DECODER)


@pytest.mark.parametrize("adjust_maximum", [True, False])
@pytest.mark.parametrize(("given", "ratio"), [(None, 20.0), (30.0, 30.0)])
def test_the_dark_frame_is_amplified_under_the_clean_ones_balance_and_meets_the_protocols_reference(
    files, given: float | None, ratio: float, adjust_maximum: bool, tmp_path: Path
) -> None:
    judge = Judge(replace(SCENES, adjust_maximum=adjust_maximum))
    [row] = scored(RawPair(*files, "scene", given), judge, tmp_path / "out").rows
    dark, clean = (read_raw(path) for path in files)
    picture = render_linear(develop(metered_by(dark, clean), ratio, "srgb"))
    expected = judge.score(picture, render_reference(clean, adjust_maximum))
    assert row.ratio == pytest.approx(ratio)
    assert row.scores == pytest.approx(expected)
    assert judge.score(picture, render_reference(clean, not adjust_maximum))["psnr"] != pytest.approx(expected["psnr"])


def test_a_method_with_its_own_reference_is_judged_against_that(files, tmp_path: Path) -> None:
    [row] = scored(RawPair(*files, "scene"), Judge(SCENES), tmp_path / "out", OwnReference()).rows
    assert row.scores["psnr"] == pytest.approx(20.0, abs=1e-3)


def test_scores_of_another_protocol_or_without_a_metric_are_not_taken_over(files, tmp_path: Path) -> None:
    pair, judge = RawPair(*files, "scene"), Judge(SCENES)
    first = scored(pair, judge, tmp_path / "out")
    ledger = tmp_path / "out" / "scores.jsonl"
    assert scored(pair, judge, tmp_path / "out").rows == first.rows
    assert len(ledger.read_text().splitlines()) == 1
    scored(pair, Judge(replace(SCENES, version=99)), tmp_path / "out")
    assert len(ledger.read_text().splitlines()) == 2
    ledger.write_text(ledger.read_text().splitlines()[0].replace('"ssim"', '"other"') + "\n")
    assert scored(pair, judge, tmp_path / "out").rows[0].scores == pytest.approx(first.rows[0].scores)


DAMAGE: dict[str, dict[str, object]] = {
    "a word for a score": {"scores": {"psnr": "x", "ssim": 0.5, "colour": 1.0}},
    "no score": {"scores": {"psnr": 20.0, "ssim": None, "colour": 1.0}},
    "an infinite score": {"scores": {"psnr": inf, "ssim": 0.5, "colour": 1.0}},
    "a score of NaN": {"scores": {"psnr": nan, "ssim": 0.5, "colour": 1.0}},
    "a score of 400 digits": {"scores": {"psnr": 10**400, "ssim": 0.5, "colour": 1.0}},
    "true": {"scores": {"psnr": True, "ssim": 0.5, "colour": 1.0}},
    "a list of scores": {"scores": [["psnr", 1.0]]},
    "a word for seconds": {"seconds": "fast"},
    "a word for a ratio": {"ratio": "x100"},
    "a list for a scene": {"scene": ["scene"]},
    "a number for a method": {"method": 5},
    "a word for notes": {"notes": "abc"},
    "numbers for notes": {"notes": [1]},
    "one value more": {"more": 1},
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_a_line_that_was_damaged_is_passed_over_and_measured_again(files, change, tmp_path: Path) -> None:
    pair, judge, ledger = RawPair(*files, "scene"), Judge(SCENES), tmp_path / "out" / "scores.jsonl"
    first = scored(pair, judge, tmp_path / "out")
    ledger.write_text(json.dumps({**json.loads(ledger.read_text()), **change}) + "\n")
    again = scored(pair, judge, tmp_path / "out")
    assert [row.scores for row in again.rows] == [row.scores for row in first.rows]
    assert again.summary("amplify")["psnr"] == first.summary("amplify")["psnr"]
    assert len(ledger.read_text().splitlines()) == 2


@pytest.mark.parametrize("arrays", [{"picture": np.zeros((2, 3)), "reference": np.full((2, 3), nan)},
                                    {"picture": np.zeros(3), "reference": np.zeros(3)},
                                    {"picture": np.zeros((2, 3)), "reference": np.zeros((2, 4))},
                                    {"picture": np.array([["a"]]), "reference": np.array([["b"]])}])  # fmt: skip
def test_damaged_features_are_none(arrays: dict[str, np.ndarray], tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    assert Features.read(tmp_path / "a.npz") is None
    np.savez_compressed(tmp_path / "a.npz", picture=np.zeros((2, 3)), reference=np.ones((2, 3)))
    assert Features.read(tmp_path / "a.npz") is not None
