"""Photos of a hub's model say which revision made them, and a batch goes on with it; `--offline` fetches nothing."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from darkdiff_cli.enhancer import Enhancer
from darkdiff_models.connections import OFFLINE, is_offline
from darkdiff_models.digest import model_digest
from tests.cli.test_batch import darkdiff
from tests.hub import COMMIT, serving


def test_photos_and_ledger_name_the_revision_and_later_runs_keep_it(
    dark_dng: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = Path(shutil.copytree(model_folder, tmp_path / "newer"))
    index = json.loads((newer / "model_index.json").read_text())
    (newer / "model_index.json").write_text(json.dumps({**index, "default_steps": 1}))
    for name in ("a.dng", "b.dng"):
        (tmp_path / "shoot").mkdir(exist_ok=True)
        shutil.copy(dark_dng, tmp_path / "shoot" / name)
    words = ("batch", tmp_path / "shoot", "--model", "here/toy", "--ratio", 200, "--no-report")
    with serving(model_folder, tmp_path / "cache") as hub:
        first = darkdiff(*words, "--include", "a.dng")
        hub.publish("f" * 40, newer)
        second = darkdiff(*words)
        newest, identity = (
            {"model": "here/toy@" + "f" * 40, "model_digest": model_digest(newer)},
            Enhancer("here/toy").identity,
        )
        assert identity == {**newest, "arithmetic": identity["arithmetic"]}
        assert identity["arithmetic"].endswith(f"torch {torch.__version__}")
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")  # put back after the test, whatever --offline sets
        hub.asked.clear()
        offline = darkdiff("enhance", dark_dng, "--offline", "--model", "here/other")
        assert hub.asked == []
    assert (first.exit_code, second.exit_code) == (0, 0), second.stderr
    for name in ("a", "b"):
        photo = (tmp_path / "shoot" / "darkdiff" / f"{name}_darkdiff.jpg").read_bytes()
        assert f'darkdiff:model="here/toy@{COMMIT}"'.encode() in photo
        assert f'darkdiff:model_digest="{model_digest(model_folder)}"'.encode() in photo
    assert f"darkdiff: here/toy@{COMMIT}, with which this batch began; give --model here/toy@main for" in second.stderr
    lines = (tmp_path / "shoot" / "darkdiff" / "darkdiff-ledger.jsonl").read_text().splitlines()
    assert [json.loads(line)["model"] for line in lines] == [f"here/toy@{COMMIT}"] * 2
    assert offline.exit_code == 2
    assert "no model 'here/other': it is neither bundled, nor a folder, nor in the cache, and" in offline.stderr


def test_bench_alone_may_be_kept_from_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OFFLINE, "0")
    told = list[bool]()
    monkeypatch.setattr("darkdiff_cli.app.short", lambda: told.append(is_offline()) or 0)
    for words in (["bench", "--offline"], ["bench"]):
        assert darkdiff(*words).exit_code == 0
        monkeypatch.setenv(OFFLINE, "0")
    assert told == [True, False]
