"""`darkdiff info`, as a user runs it."""

import json
import platform
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from darkdiff_cli.raw import ExposureSettings, read_exposure
from darkdiff_cli.synthesis import SensorNoise, expose, unprocess, write_dng
from tests.conftest import run_darkdiff, run_here


def facts(*arguments: object) -> dict:
    done = run_darkdiff("info", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_json_says_what_is_in_the_file(dark_dng: Path) -> None:
    found = facts(dark_dng)
    assert found["darkdiff"] == version("darkdiff")
    assert found["rawpy"] == version("rawpy")
    assert found["python"] == platform.python_version()
    assert found["platform"] == platform.platform()
    assert [int(part) > -1 for part in found["libraw"].split(".")] == [True] * 3
    assert found["failed"] == []
    [report] = found["files"]
    assert (report["file"], report["bytes"]) == (str(dark_dng), dark_dng.stat().st_size)
    assert report["shot"] == {
        "make": "Sony", "model": "ILCE-7SM2", "lens": "FE 55mm F1.8 ZA", "exposure_time": pytest.approx(1 / 30),
        "aperture": 1.8, "iso": 3200, "focal_length": 55.0, "date": "2024:01:02 03:04:05", "has_position": False,
    }  # fmt: skip
    assert report["sensor"] == {
        "size": [112, 80], "crop": None, "pixel_aspect": 1.0, "picture": [112, 80], "orientation": 1,
        "colour_filter": "Bayer RGGB", "bits": 14, "samples": "uint16",
    }  # fmt: skip
    assert report["levels"] == {
        "black": [512.0], "pattern": [1, 1], "has_lines": False, "black_mean": 512.0, "black_source": "DNG tags",
        "white": 16383.0, "white_source": "DNG tags",
    }  # fmt: skip
    assert report["colours"] == {
        "white_balance": pytest.approx([2.1, 1.0, 1.8], rel=1e-4), "source": "as shot",
        "daylight": pytest.approx([2.768, 1.0, 1.428], rel=1e-3), "matrix": "file",
    }  # fmt: skip
    measured = report["measured"]
    assert measured["part"] == [112, 80]
    assert measured["ratio"] == read_exposure(dark_dng, ExposureSettings()).ratio
    assert measured["gain"] == pytest.approx(1.0, rel=0.5)
    assert report["notes"] == []


def test_levels_have_their_source(shared: Path) -> None:
    field = shared / "raws/field"
    names = ["reference_even_diff", "deltaV", "sat12500_x1", "ob_bad150", "hot_x10", "defcrop", "mono"]
    reports = facts(*(field / f"{name}.dng" for name in names))["files"]
    assert [Path(report["file"]).stem for report in reports] == names
    even, delta, clipping, masked, hot, framed, grey = reports
    assert even["levels"]["black"] == [508.0, 512.0, 512.0, 518.0]
    assert even["levels"]["pattern"] == [2, 2]
    assert (delta["levels"]["has_lines"], even["levels"]["has_lines"]) == (True, False)
    assert even["levels"]["black_mean"] == 512.5
    assert clipping["levels"]["white"] == 12500
    assert clipping["levels"]["white_source"] == "where the sensor clips; DNG tags: 16383"
    assert masked["levels"]["black_source"].startswith("masked pixels; DNG tags: ")
    assert masked["levels"]["black"] == pytest.approx([512.0] * len(masked["levels"]["black"]), abs=0.5)
    assert hot["measured"]["defects"] == pytest.approx(0.0015 * 512 * 512, rel=0.25)
    assert even["measured"]["defects"] <= 2
    assert (framed["sensor"]["size"], framed["sensor"]["picture"]) == ([512, 512], [256, 384])
    assert framed["sensor"]["crop"] == [64, 128, 384, 256]
    assert (grey["sensor"]["colour_filter"], grey["colours"]["matrix"]) == ("monochrome", "monochrome")


def test_the_ratio_is_that_of_enhance(shared: Path) -> None:
    paths = [shared / f"raws/field/{name}.dng" for name in ("hot_x10", "col1.5", "dead_x10", "gain_scene", "clip0")]
    proposed = [report["measured"]["ratio"] for report in facts(*paths)["files"]]
    taken = [read_exposure(path, ExposureSettings()).ratio for path in paths]
    assert proposed == taken


def test_a_large_raw_turned(photograph, sensor, capture, tmp_path: Path) -> None:
    """Above 6 MP line noise is left in: the ratio is within a twentieth."""
    clean = unprocess(np.kron(photograph, np.ones((34, 34, 1), np.float32)), sensor)
    noise = SensorNoise(gain=2.0, shape=0.1, read_scale=1.5, row_scale=1.0)
    mosaic = expose(clean, 100.0, noise, sensor.black, sensor.white, np.random.default_rng(2))
    path = tmp_path / "large.dng"
    write_dng(path, mosaic, sensor, capture, orientation=6)
    [report] = facts(path)["files"]
    assert report["sensor"]["size"] == [3808, 2720]
    assert (report["sensor"]["picture"], report["sensor"]["orientation"]) == ([2720, 3808], 6)
    measured = report["measured"]
    assert measured["part"] == [1024, 1024]
    assert measured["ratio"] == pytest.approx(read_exposure(path, ExposureSettings()).ratio, rel=0.05)
    assert measured["gain"] == pytest.approx(2.0, rel=0.05)
    assert measured["read_noise"] == pytest.approx(2.317, rel=0.12)  # 1.5 of a Tukey lambda distribution
    assert measured["row_noise"] == pytest.approx(1.0, rel=0.2)
    assert measured["column_noise"] < 0.1


def test_a_table_for_people(dark_dng: Path) -> None:
    done = run_darkdiff("info", dark_dng)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].strip() == str(dark_dng)
    rows = {line[:15].strip(): line[15:].strip() for line in lines[1:]}
    assert rows["camera"] == "Sony ILCE-7SM2"
    assert rows["shot"] == "1/30 s, f/1.8, ISO 3200, 55 mm, 2024:01:02 03:04:05, no position"
    assert rows["size"] == "112x80 photosites; picture 112x80; orientation 1"
    assert rows["filter"] == "Bayer RGGB"
    assert rows["black"] == "512 (DNG tags)"
    assert rows["white balance"] == "2.1 1 1.8 (as shot)"
    assert set(rows) == {
        "camera", "lens", "shot", "file", "size", "filter", "black", "white", "white balance", "daylight",
        "colour matrix", "noise", "line noise", "defects", "ratio",
    }  # fmt: skip


def test_a_bad_file_is_one_sentence_and_stops_nothing(dark_dng: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad [red].dng"
    bad.write_bytes(b"no raw")
    missing = tmp_path / "missing.dng"
    done = run_darkdiff("info", bad, dark_dng, missing, "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert [report["file"] for report in found["files"]] == [str(dark_dng)]
    assert [entry["file"] for entry in found["failed"]] == [str(bad), str(missing)]
    assert done.stderr.splitlines() == [f"darkdiff: {entry['error']}" for entry in found["failed"]]
    nothing = run_darkdiff("info", bad)
    assert (nothing.returncode, nothing.stdout, nothing.stderr.count("\n")) == (2, "", 1)


def test_names_with_brackets_are_no_markup(dark_dng: Path, tmp_path: Path) -> None:
    copy = tmp_path / "night [bold]1.dng"
    copy.write_bytes(dark_dng.read_bytes())
    assert run_darkdiff("info", copy).stdout.splitlines()[0].strip() == str(copy)


def test_no_model_and_no_torch_is_loaded(dark_dng: Path) -> None:
    program = (
        "import runpy, sys\n"
        f"sys.argv = ['darkdiff', 'info', {str(dark_dng)!r}]\n"
        "try:\n    runpy.run_module('darkdiff_cli', run_name='__main__')\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        "print(sorted({'torch', 'diffusers', 'darkdiff_models.pipeline'} & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True)
    assert done.stderr.splitlines()[-1] == "[]"


def test_the_machine_is_shown_alone_or_with_files(dark_dng: Path) -> None:
    alone, beside = facts("--machine"), json.loads(run_here("info", "--machine", dark_dng, "--json").stdout)
    assert alone["files"] == []
    assert len(beside["files"]) == 1
    assert alone["machine"] == beside["machine"]
    graphics = torch.cuda.is_available()
    assert graphics == (alone["machine"]["device"] not in ("cpu", "mps"))
    assert alone["machine"]["precision"] in ("bfloat16", "float32")
    assert alone["machine"]["attention"] == ("xformers" if graphics and find_spec("xformers") else "torch")
    assert alone["machine"]["threads"] > 0
    table = run_here("info", "--machine").stdout
    assert [line.split()[0] for line in table.splitlines()] == ["device", "precision", "attention", "threads"]
    assert "machine" not in facts(dark_dng)


def test_nothing_to_show_is_one_sentence() -> None:
    done = run_darkdiff("info")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "darkdiff: info needs raw files to look at, or --machine.\n"
