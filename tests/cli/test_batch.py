"""`darkdiff batch` with real processes, real kills and real broken files."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.batch.album.previews import FOLDER
from darkdiff_cli.batch.jobs import find_jobs
from darkdiff_cli.batch.ledger import NAME, Entry, Ledger
from darkdiff_cli.commands.batch_options import PAGE
from darkdiff_cli.errors import InputError
from darkdiff_cli.raw import ExposureSettings
from tests.conftest import run_darkdiff
from tests.unit.test_files import killed_writer

GIVEN = ExposureSettings(ratio=100.0)


@pytest.fixture
def night(tmp_path: Path, shoot) -> Path:
    """A folder of six dark raws, one of them in a subfolder, with a sidecar and a hidden file."""
    folder = tmp_path / "night"
    for number in range(5):
        shoot(folder / f"IMG_{number}.dng", 100.0 + 20 * number, 0.1)
    shoot(folder / "second card" / "IMG_0.dng", 200.0, 0.1)
    (folder / "IMG_0.xmp").write_text("<xmp/>")
    (folder / ".IMG_9.dng").write_bytes(b"hidden")
    return folder


def darkdiff(*arguments: object):
    """The program in this process; what is killed runs in one of its own."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def words(folder: Path, model: Path, *more: object) -> tuple[object, ...]:
    return ("batch", folder, "--model", model, "--ratio", 150, *more)


def photos(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*.jpg"))}


def entries(output: Path) -> list[dict]:
    return [json.loads(line) for line in (output / NAME).read_text().splitlines()]


@pytest.mark.parametrize("more", [(), ("--lock-exposure",)])
def test_a_dark_frame_in_the_folder_is_no_photo(more: tuple[str, ...], model_folder, shoot, tmp_path) -> None:
    photo, dark = shoot(tmp_path / "IMG.dng", 100.0, 0.1), shoot(tmp_path / "dark.dng", 100.0, 1e-4)
    (tmp_path / "link.dng").symlink_to(dark)
    done = darkdiff(*words(tmp_path, model_folder, "--dark", dark, "--json", *more))
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert ([one["source"] for one in found["done"]], found["failed"]) == ([photo.name], [])


def test_a_raw_that_comes_beside_another_is_all_that_is_done(model_folder, shoot, tmp_path) -> None:
    shoot(tmp_path / "IMG.dng", 100.0, 0.1)
    assert darkdiff(*words(tmp_path, model_folder)).stdout == "IMG_darkdiff.jpg\n"
    shoot(tmp_path / "IMG.nef", 120.0, 0.1)
    second = darkdiff(*words(tmp_path, model_folder))
    assert (second.exit_code, second.stdout) == (0, "IMG_nef_darkdiff.jpg\n"), second.stderr
    assert "1 done, 0 failed, 1 skipped" in second.stderr
    assert set(photos(tmp_path / "darkdiff")) == {"IMG_darkdiff.jpg", "IMG_nef_darkdiff.jpg"}


def test_a_night_is_done_once_and_only_what_is_new_again(night, model_folder, shoot) -> None:
    done = darkdiff(*words(night, model_folder, "--recursive"))
    assert done.exit_code == 0, done.stderr
    output = night / "darkdiff"
    first = photos(output)
    assert list(first) == [f"IMG_{n}_darkdiff.jpg" for n in range(5)] + ["second card/IMG_0_darkdiff.jpg"]
    assert sorted(done.stdout.split("\n")[:-1]) == sorted(first)
    times = {path: path.stat().st_mtime_ns for path in output.rglob("*.jpg")}
    shoot(night / "IMG_new.dng", 50.0, 0.1)
    shoot(night / "IMG_2.dng", 30.0, 0.5)  # changed
    again = darkdiff(*words(night, model_folder, "--recursive", "--json"))
    found = json.loads(again.stdout)
    assert sorted(entry["source"] for entry in found["done"]) == ["IMG_2.dng", "IMG_new.dng"]
    assert found["skipped"] == 5
    unchanged = [path for path in times if path.stat().st_mtime_ns == times[path]]
    assert len(unchanged) == 5
    assert {p.name for p in output.iterdir()} - {Path(name).parts[0] for name in photos(output)} == {NAME, PAGE, FOLDER}
    anew = darkdiff(*words(night, model_folder, "--recursive", "--overwrite", "--json"))
    assert len(json.loads(anew.stdout)["done"]) == 7
    other = darkdiff(*words(night, model_folder, "--recursive", "--seed", 1, "--dry-run"))
    assert len(other.stdout.splitlines()) == 7  # another seed is another photo


def test_broken_files_are_one_line_each_and_stop_nothing(night, model_folder) -> None:
    (night / "IMG_1.dng").write_bytes(b"no raw at all")
    (night / "IMG_3.dng").write_bytes((night / "IMG_3.dng").read_bytes()[:3000])
    done = darkdiff(*words(night, model_folder))
    assert done.exit_code == 1
    assert len(photos(night / "darkdiff")) == 3
    failures = [entry for entry in entries(night / "darkdiff") if entry["status"] == "failed"]
    assert [entry["source"] for entry in failures] == ["IMG_1.dng", "IMG_3.dng"]
    assert all(entry["error"] in done.stderr for entry in failures)
    assert "Traceback" not in done.stderr
    quiet = darkdiff(*words(night, model_folder))
    assert (quiet.exit_code, quiet.stdout) == (0, "")  # what failed before is not tried again
    retried = darkdiff(*words(night, model_folder, "--retry-failed", "--json"))
    assert len(json.loads(retried.stdout)["failed"]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [3])
def test_killed_again_and_again_every_photo_is_whole_and_the_same(night, model_folder, tmp_path, rounds) -> None:
    straight = run_darkdiff(*words(night, model_folder, "-o", tmp_path / "straight", "--recursive"))
    assert straight.returncode == 0, straight.stderr
    expected, output = photos(tmp_path / "straight"), tmp_path / "killed"
    command = [sys.executable, "-m", "darkdiff_cli", *map(str, words(night, model_folder, "-o", output, "--recursive"))]
    kills = 0
    for count in range(1, rounds + 1):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 60
            while len(photos(output) if output.exists() else ()) < count and time.monotonic() < deadline:
                if process.poll() is not None:
                    break
                time.sleep(0.005)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                kills += 1
        for name, content in photos(output).items():
            assert content == expected[name]
    assert killed_writer(output / "IMG_4_darkdiff.jpg").exists()
    assert killed_writer(output / PAGE).exists()
    with (output / NAME).open("ab") as ledger:
        ledger.write(b'{"key": "torn')
    last = run_darkdiff(*words(night, model_folder, "-o", output, "--recursive"))
    assert last.returncode == 0, last.stderr
    assert photos(output) == expected
    assert kills > 0
    left = {p.name for p in output.rglob("*") if p.is_file() and p.parent.name != FOLDER}
    assert left == {NAME, PAGE, *(Path(name).name for name in expected)}
    assert (output / PAGE).read_text().count("<article") == len(expected)  # those of the killed runs too
    assert len(list((output / FOLDER).iterdir())) == len(expected)
    recorded = {entry.source for entry in Ledger(output).entries().values()}
    assert recorded == {job.relative for job in find_jobs(night, output, ".jpg", True)}


def test_two_runs_at_once_share_the_work(night, model_folder, tmp_path) -> None:
    command = [sys.executable, "-m", "darkdiff_cli", *map(str, words(night, model_folder, "--json", "--quiet"))]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [run.communicate(timeout=300) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], answers
    done = [entry["source"] for answer, _ in answers for entry in json.loads(answer)["done"]]
    assert sorted(done) == [f"IMG_{n}.dng" for n in range(5)]
    assert len(entries(night / "darkdiff")) == 5
    assert not (night / "darkdiff" / ".darkdiff-claims").exists()


def test_ctrl_c_finishes_the_current_file_and_exits_130(tmp_path, shoot, model_folder) -> None:
    folder = tmp_path / "many"
    for number in range(60):
        shoot(folder / f"{number:02d}.dng", 100.0, 0.1)
    command = [sys.executable, "-m", "darkdiff_cli", *map(str, words(folder, model_folder))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        output, deadline = folder / "darkdiff", time.monotonic() + 120
        while not (output / NAME).exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "done, 0 failed" in errors
    assert errors.endswith("darkdiff: interrupted; run the same command again to go on\n")
    assert 0 < len(photos(output)) < 60
    assert len(entries(output)) == len(photos(output))
    assert not list(output.rglob("*.partial"))


def test_same_names_are_told_apart_and_structure_is_kept(tmp_path) -> None:
    for name in ("A.ARW", "a.dng", "B.dng", "sub/A.ARW", "sub/deep/C.NEF", "notes.txt", ".hidden/D.dng", "out/E.dng"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "sub" / "loop").symlink_to(tmp_path, target_is_directory=True)
    jobs = find_jobs(tmp_path, tmp_path / "out", ".jpg", recursive=True)
    assert {job.relative: job.output.relative_to(tmp_path / "out").as_posix() for job in jobs} == {
        "A.ARW": "A_ARW_darkdiff.jpg",
        "a.dng": "a_dng_darkdiff.jpg",
        "B.dng": "B_darkdiff.jpg",
        "sub/A.ARW": "sub/A_darkdiff.jpg",
        "sub/deep/C.NEF": "sub/deep/C_darkdiff.jpg",
    }
    assert [job.relative for job in find_jobs(tmp_path, tmp_path / "out", ".jpg")] == ["A.ARW", "B.dng", "a.dng"]
    chosen = find_jobs(tmp_path, tmp_path / "out", ".jpg", True, include=["*.ARW", "sub/*"], exclude=["sub/deep/*"])
    assert [job.relative for job in chosen] == ["A.ARW", "sub/A.ARW"]
    with pytest.raises(InputError, match="no such folder"):
        find_jobs(tmp_path / "nowhere", tmp_path, ".jpg")


def test_checksum_knows_a_touched_file_again(night, model_folder) -> None:
    assert darkdiff(*words(night, model_folder, "--checksum")).exit_code == 0
    for path in night.glob("*.dng"):
        os.utime(path, (1, 1))
    assert json.loads(darkdiff(*words(night, model_folder, "--checksum", "--json")).stdout)["skipped"] == 5
    assert len(darkdiff(*words(night, model_folder, "--dry-run")).stdout.splitlines()) == 5


def test_ledger_reads_on_and_passes_over_torn_lines(tmp_path) -> None:
    ledger, other = Ledger(tmp_path), Ledger(tmp_path)
    ledger.append(Entry("a", "a.dng", "a.jpg", "done"))
    assert set(other.entries()) == {"a"}
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'{"key": "tor')
    assert set(other.entries()) == {"a"}
    ledger.append(Entry("b", "b.dng", "b.jpg", "failed", "b.dng: broken."))
    ledger.append(Entry("a", "a.dng", "a.jpg", "failed", "changed"))
    assert {key: entry.status for key, entry in other.entries().items()} == {"a": "failed", "b": "failed"}
    assert Ledger(tmp_path).entries() == other.entries()


def test_wrong_words_are_one_sentence(tmp_path, model_folder) -> None:
    (tmp_path / "file").write_text("no folder")
    for arguments, sentence in (
        (("batch", tmp_path / "nowhere"), "no such folder"),
        (("batch", tmp_path / "file"), "file: is a file; give its folder, or the file to darkdiff enhance."),
        (("batch", tmp_path, "--ratio", "much"), "--ratio much"),
        (("batch", tmp_path, "-o", tmp_path / "file"), "is no folder"),
    ):
        done = darkdiff(*arguments)
        assert done.exit_code == 2
        assert sentence in done.stderr


def test_what_was_done_otherwise_is_in_the_ledger_and_said_once(night, model_folder, monkeypatch) -> None:
    for number in (2, 3, 4):
        (night / f"IMG_{number}.dng").unlink()
    monkeypatch.setattr("darkdiff_models.tiling.planner.room", lambda _device: 1000)
    done = darkdiff(*words(night, model_folder, "--tile", 0))
    assert done.exit_code == 0, done.stderr
    note = "the whole image does not fit into memory at once, so it is denoised in tiles of 16x16 latents"
    assert [entry["notes"].count(note) for entry in entries(night / "darkdiff")] == [1] * 2
    assert done.stderr.splitlines().count(f"darkdiff: 2 of 2 photos: {note}.") == 1
    assert done.stderr.count(note) == 1
    monkeypatch.undo()
    again = darkdiff(*words(night, model_folder, "--tile", 0, "--overwrite"))
    assert note not in again.stderr
    assert not any(note in entry["notes"] for entry in entries(night / "darkdiff")[2:])
