"""Where `bench` may write: a report replaces an earlier report alone, and nothing is scored before that is known."""

import os
import shutil
from pathlib import Path

import pytest

from darkdiff_cli.evaluation.report.page import is_of_a_report, write_report
from tests.cli.test_bench import bench

PUBLISHED = "protocol,method,scene,ratio,psnr,ssim,lpips,lpips_vgg,colour,seconds\nscenes,other,a,1,20,,,,,1\n"


@pytest.fixture
def raws(tmp_path: Path) -> Path:
    """A folder that is looked at by name only: nothing is scored here."""
    for name in ("a_clean.dng", "a_x100.dng"):
        (tmp_path / name).write_bytes(b"a raw")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def quality(folder: Path, *words: object):
    return bench("quality", "--data", f"scenes:{folder}", "-o", folder / "out", *words)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a_x100.dng", "is an HTML page; give it a name that ends in .html"),
        ("notes.html", "exists and is no page of darkdiff"),
        ("link.html", "exists and is no page of darkdiff"),
        ("lost.html", "exists and is no page of darkdiff"),
        ("none/a.html", "must be a file in a folder that exists"),
        (".", "must be a file in a folder that exists"),
        ("numbers.html", "numbers.json: would be written beside the report and is none of its files"),
    ],
)
@pytest.mark.parametrize("command", ["quality", "speed"])
def test_a_report_takes_the_place_of_no_other_file(command: str, name: str, words: str, raws: Path) -> None:
    (raws / "notes.html").write_text("<p>mine</p>")
    (raws / "numbers.json").write_text('{"darkdiff": "mine"}')
    (raws / "link.html").symlink_to("a_x100.dng")
    (raws / "lost.html").symlink_to("nowhere")
    before = contents(raws)
    given = ("--data", f"scenes:{raws}", "-o", raws / "out") if command == "quality" else ("--size", 0.01)
    done = bench(command, *given, "--report", raws / name)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert words in done.stderr
    assert contents(raws) == before
    assert not (raws / "out").exists()


def test_scores_of_the_users_are_not_replaced_by_ours(raws: Path) -> None:
    (raws / "scores.csv").write_text("mine")
    assert "scores.csv: would be written beside" in quality(raws, "--report", raws / "scores.html").stderr
    (raws / "scores.csv").write_text(PUBLISHED)  # of our columns, but it is read
    done = quality(raws, "--report", raws / "scores.html", "--published", raws / "scores.csv")
    assert "scores.csv: is one of the inputs, which are never written to" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="there are no devices in folders")
def test_a_pipe_and_a_device_stay_what_they_are(raws: Path) -> None:
    os.mkfifo(raws / "pipe.html")
    made = [raws / "pipe.html"]
    if os.geteuid() == 0:
        os.mknod(raws / "null.html", 0o666 | 0o020000, os.makedev(1, 3))
        made.append(raws / "null.html")
    for path in made:
        before = path.stat()
        done = quality(raws, "--report", path)
        assert done.exit_code == 2
        assert f"{path}: exists and is no page of darkdiff" in done.stderr
        assert path.stat().st_ino == before.st_ino
        assert path.stat().st_mode == before.st_mode


def test_an_earlier_report_may_be_replaced(tmp_path: Path) -> None:
    from darkdiff_cli.evaluation.quality.run import Results, Row

    page = tmp_path / "bench.html"
    write_report(page, Results("scenes", [Row("scenes", "a", "a", "one", 1.0, {"psnr": 20.0}, 1.0)]), None, tmp_path)
    assert all(is_of_a_report(page.with_suffix(suffix)) for suffix in (".html", ".json", ".csv"))
    shutil.copy(page, tmp_path / "old.htm")
    assert is_of_a_report(tmp_path / "old.htm")


@pytest.mark.parametrize("make", [lambda path: path.write_text("mine"), lambda path: path.symlink_to("nowhere")])
def test_scores_go_into_a_folder(make, raws: Path) -> None:
    make(raws / "out")
    done = quality(raws)
    assert done.exit_code == 2
    assert done.stderr == f"darkdiff: -o {raws / 'out'}: is no folder; choose another.\n"


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="there is no folder in which nobody can make one")
def test_a_folder_that_cannot_be_made_is_a_sentence(raws: Path, model_folder, lpips) -> None:
    done = bench("quality", "--data", f"scenes:{raws}", "-o", "/proc/x", "--model", model_folder, "--lpips", lpips)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "/proc/x: cannot be written (No such file or directory); choose another folder." in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="there are no named pipes in folders")
@pytest.mark.parametrize("option", ["--published", "--lpips", "--lpips-vgg"])
def test_only_files_are_read(option: str, raws: Path, model_folder) -> None:
    """A pipe would not open, and a device has no end."""
    os.mkfifo(raws / "pipe")
    given = ("--model", model_folder, *(() if option == "--lpips" else ("--lpips", raws / "a_x100.dng")))
    done = quality(raws, *given, option, raws / "pipe")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert f"{raws / 'pipe'}: is no file" in done.stderr
