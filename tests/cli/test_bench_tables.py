"""`darkdiff bench table` and `protocols` as a user runs them."""

import shutil
from dataclasses import asdict

import pytest
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.evaluation.protocols.protocol import PROTOCOLS
from darkdiff_cli.evaluation.protocols.tables import TABLES
from darkdiff_cli.training.recipe.recipe_file import load_recipe


def bench(*arguments: object):
    return CliRunner().invoke(app, ["bench", *map(str, arguments)])


@pytest.fixture
def sid_folder(shoot, tmp_path):
    """One test scene of SID in its published layout."""
    shoot(tmp_path / "SID" / "Sony" / "long" / "10003_00_10s.dng", 1.0, 10.0)
    for seconds, ratio in (("0.1", 100.0), ("0.04", 250.0), ("0.033", 300.0)):
        shoot(tmp_path / "SID" / "Sony" / "short" / f"10003_00_{seconds}s.dng", ratio, float(seconds))
    return tmp_path / "SID"


def test_protocols_are_listed_with_every_field() -> None:
    done = bench("protocols")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert len(lines) == len(PROTOCOLS)
    assert all(line.startswith(protocol.title) for line, protocol in zip(lines, PROTOCOLS.values(), strict=True))
    assert "indoor SID scenes at x300, 15 pairs; centre 512, illuminance corrected, srgb, 8 bit" in done.stdout


def test_a_table_says_what_it_needs_and_scores_what_is_there(model_folder, sid_folder, lpips, tmp_path) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(model_folder, runs / "full" / "stage2")
    shutil.copytree(model_folder, runs / "concat" / "stage2")
    needs = bench("table", 6, "--runs", runs)
    assert needs.exit_code == 0
    states = [line.split("  ")[0] for line in needs.stdout.splitlines()[1:]]
    assert states[-4:] == ["found", "missing", "missing", "found"]
    assert "0.381" in needs.stdout  # the paper's LPIPS of global attention
    assert "--recipe paper-sid --set stage2.conditioning=controlnet --data sid:DIR -o" in needs.stdout
    published = tmp_path / "published.csv"
    published.write_text("protocol,method,psnr,lpips\nsid-x300-test,somebody,29.5,0.25\nsid-x100-test-val,other,1,1\n")
    words = ("table", 6, "--runs", runs, "--data", f"sid:{sid_folder}", "-o", tmp_path / "out", "--steps", 1)
    done = bench(*words, "--published", published, "--lpips", lpips, "--quiet")
    assert done.exit_code == 1  # two checkpoints are missing
    assert "SID Sony test scenes at x300, 1 of 35 pairs; whole picture" in done.stdout
    scored = [line.split(" steps")[0].strip() for line in done.stdout.splitlines() if "steps 1 guidance 2" in line]
    assert scored == ["Concat", "region attention"] * 2  # in both of the table's protocols
    assert "region attention (published)" in done.stdout
    assert done.stdout.count("somebody (published)") == 1
    assert "29.5" in done.stdout
    assert "other (published)" not in done.stdout
    assert "controlnet" in done.stderr
    for arguments, sentence in (
        (("table", 7), "the paper's tables are 1, 2, 3, 4, 5, 6"),
        (("table", 2, "--data", f"sid:{sid_folder}"), "is scored on eld:DIR"),
        (("table", 1, "--runs", tmp_path / "none", "--data", f"sid:{sid_folder}"), "holds none of the table's models"),
        (("table", 1, "--published", tmp_path / "none.csv"), "is no file; give --published a CSV"),
    ):
        wrong = bench(*arguments)
        assert (wrong.exit_code, sentence in wrong.stderr) == (2, True), wrong.stderr


def test_every_preset_names_recipes_protocols_and_values_that_exist() -> None:
    for preset in TABLES.values():
        assert all(PROTOCOLS[name].kind == preset.kind for name in preset.protocols)
        recipe = asdict(load_recipe(preset.recipe))
        for variant in preset.variants:
            changed = asdict(load_recipe(preset.recipe, variant.values))
            assert (changed == recipe) == (not variant.values), variant
            assert variant.row in [other.method for other in preset.published]
