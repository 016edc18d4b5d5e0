"""What a run reads is never written to, whatever is asked for."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.batch.album.page import is_page
from darkdiff_cli.batch.exposure_lock import _stored
from darkdiff_cli.batch.jobs import Job
from darkdiff_cli.raw.damage import zeros_at_end


def darkdiff(*words: object):
    return CliRunner().invoke(app, [*map(str, words)])


def test_no_photo_takes_the_place_of_another_input(shoot, model_folder: Path, tmp_path: Path) -> None:
    first, second = (shoot(tmp_path / name, 100.0, 0.1) for name in ("x.dng", "x_darkdiff.dng"))
    before = second.read_bytes()
    done = darkdiff("enhance", first, second, "--format", "dng", "--overwrite", "--model", model_folder, "--ratio", 100)
    assert done.exit_code == 1
    assert (
        f"darkdiff: {second}: is one of the inputs, which are never written to; choose another with -o." in done.stderr
    )
    assert second.read_bytes() == before
    assert (tmp_path / "x_darkdiff_darkdiff.dng").exists()


@pytest.mark.parametrize("command", ["enhance", "doubt", "dark", "preview", "batch"])
def test_nothing_takes_the_place_of_what_is_read(command: str, shoot, model_folder: Path, tmp_path: Path) -> None:
    raw, dark = shoot(tmp_path / "a.dng", 100.0, 0.1), shoot(tmp_path / "out" / "a_darkdiff.jpg", 100.0, 0.0)
    linked = tmp_path / "map.png"
    os.link(raw, linked)
    before = raw.read_bytes(), dark.read_bytes()
    words = {
        "enhance": ("enhance", raw, "-o", linked),
        "doubt": ("enhance", raw, "-o", tmp_path / "b.jpg", "--doubt", linked),
        "dark": ("enhance", raw, "--dark", dark, "-o", dark),
        "preview": ("preview", raw, "--dark", dark, "-o", dark),
        "batch": ("batch", tmp_path, "--dark", dark, "-o", tmp_path / "out", "--include", "a.dng", "--no-report"),
    }
    done = darkdiff(*words[command], "--overwrite", "--model", model_folder)
    assert done.exit_code != 0
    assert "is one of the inputs, which are never written to" in done.stderr
    assert (raw.read_bytes(), dark.read_bytes()) == before


@pytest.mark.parametrize("command", ["enhance", "preview"])
def test_nothing_takes_the_place_of_the_preset(command: str, shoot, tmp_path: Path) -> None:
    raw, preset = shoot(tmp_path / "a.dng", 100.0, 0.1), tmp_path / "night.jpg"
    preset.write_text("strength = 0.8\n")
    done = darkdiff(command, raw, "-o", preset, "--preset", preset, "--overwrite")
    assert (done.exit_code, preset.read_text()) == (2, "strength = 0.8\n")
    assert "is one of the inputs" in done.stderr


def test_a_page_of_the_users_is_not_replaced(shoot, model_folder: Path, tmp_path: Path) -> None:
    shoot(tmp_path / "night" / "a.dng", 100.0, 0.1)
    (tmp_path / "out").mkdir()
    page = tmp_path / "out" / "darkdiff-report.html"
    page.write_text("my notes")
    done = darkdiff("batch", tmp_path / "night", "-o", tmp_path / "out", "--model", model_folder)
    assert (done.exit_code, page.read_text()) == (2, "my notes")
    assert f"{page}: is no page of darkdiff; move it away" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="no pipes with names in folders")
def test_nobody_waits_for_pipes_in_the_place_of_files(tmp_path: Path) -> None:
    pipe = tmp_path / "a.dng"
    os.mkfifo(pipe)
    assert zeros_at_end(pipe) == 0
    assert not is_page(pipe)
    assert _stored(pipe, {}) is None
    assert Job(tmp_path, "a.dng", tmp_path, "a.jpg").state(checksum=True).startswith("0|")
