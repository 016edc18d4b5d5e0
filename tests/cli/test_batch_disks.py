"""Disks that fill up, lock up, move and go away under a batch: one sentence, nothing lost, and the next run goes on."""

import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from darkdiff_cli.batch import place
from darkdiff_cli.batch.ledger import NAME, Ledger
from darkdiff_cli.batch.place import Place
from darkdiff_cli.batch.run import BatchRun
from darkdiff_cli.files import output_error
from tests.cli.test_batch import darkdiff, entries, photos, words

PHOTOS = 5
PAGE = 4096  # bytes that a memory disk gives at once


def mounted(folder: Path, *arguments: object) -> None:
    """Mount something, which takes root and a kernel that has it."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *map(str, arguments), str(folder)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"this machine mounts nothing here: {done.stderr.strip()}")


@pytest.fixture
def mounts(tmp_path: Path) -> Iterator[Path]:
    """A folder whose mounts are gone after the test."""
    if sys.platform != "linux" or shutil.which("mount") is None:
        pytest.skip("needs Linux's mount")
    yield tmp_path
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        if (place := line.split()[1]).startswith(f"{tmp_path}/"):
            subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
def quota(mounts: Path) -> Path:
    """A folder that may get a quota, on a disk that has room."""
    if shutil.which("mkfs.btrfs") is None or shutil.which("btrfs") is None:
        pytest.skip("needs btrfs-progs")
    image, disk = mounts / "image", mounts / "disk"
    with image.open("wb") as file:
        file.truncate(128 << 20)
    subprocess.run(["mkfs.btrfs", "-q", image], check=True, capture_output=True)
    mounted(disk, "-o", "loop", image)
    folder = disk / "out"
    for command in (["quota", "enable", disk], ["subvolume", "create", folder]):
        subprocess.run(["btrfs", *command], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def raws(tmp_path_factory: pytest.TempPathFactory, shoot) -> Path:
    folder = tmp_path_factory.mktemp("raws") / "night"
    for number in range(PHOTOS):
        shoot(folder / f"IMG_{number}.dng", 100.0, 0.1 + 0.02 * number)
    return folder


@pytest.fixture(scope="module")
def expected(raws: Path, model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    output = tmp_path_factory.mktemp("straight")
    assert darkdiff(*words(raws, model_folder, "-o", output)).exit_code == 0
    return photos(output)


@pytest.fixture
def when(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], object]], None]:
    """when(n, happens): something happens as the networks come to the nth raw, and those before it are done."""

    def at(count: int, happens: Callable[[], object]) -> None:
        begin, begun = BatchRun.begin, list[str]()

        def beginning(self, worker, task):
            begun.append(task.job.relative)
            if len(begun) == count:
                while len(Ledger(task.job.root).entries()) < count - 1:  # the one before is being written
                    time.sleep(0.01)
                happens()
            begin(self, worker, task)

        monkeypatch.setattr(BatchRun, "begin", beginning)

    return at


def files(folder: Path) -> list[str]:
    """What lies in a folder but for the photos and what shows them."""
    names = [path.name for path in folder.rglob("*") if path.is_file()]
    return [name for name in names if not name.endswith((".jpg", ".json", ".jsonl", ".html"))]


def test_a_disk_that_takes_no_more_files_stops_the_run_and_keeps_nothing(
    mounts: Path, raws: Path, model_folder: Path
) -> None:
    """Of the disk's inodes its root has one and the folder of the claims the other."""
    output = mounts / "out"
    mounted(output, "-t", "tmpfs", "-o", "size=1m,nr_inodes=2", "tmpfs")
    done = darkdiff(*words(raws, model_folder, "-o", output))
    assert done.exit_code == 2
    assert "the disk is full; free some space" in done.stderr
    assert list(output.iterdir()) == []


@pytest.mark.parametrize("room", [0, 1, pytest.param(4, marks=pytest.mark.slow), 12])
def test_a_full_disk_stops_the_run_wherever_it_is_and_the_next_goes_on(
    room: int, mounts: Path, raws: Path, expected, model_folder: Path, monkeypatch
) -> None:
    monkeypatch.setattr(place, "LOW", 0)  # the system's own word for it counts
    output, filler = mounts / "out", mounts / "out" / "filler"
    mounted(output, "-t", "tmpfs", "-o", "size=1m", "tmpfs")
    filler.write_bytes(bytes(shutil.disk_usage(output).free - room * PAGE))
    done = darkdiff(*words(raws, model_folder, "-o", output))
    assert done.exit_code == (2 if room == 0 else 1), done.stderr
    assert "the disk is full; free some space" in done.stderr
    assert "Traceback" not in done.stderr
    made = photos(output)
    assert made.items() <= expected.items()
    assert [name for name in files(output) if not name.endswith(".claim")] == ["filler"]
    filler.unlink()
    again = darkdiff(*words(raws, model_folder, "-o", output))
    assert again.exit_code == 0, again.stderr
    assert photos(output) == expected
    assert sorted(entry["source"] for entry in entries(output)) == sorted(path.name for path in raws.iterdir())
    assert files(output) == []


def test_a_disk_that_is_locked_stops_the_run(mounts, raws, expected, model_folder, when) -> None:
    output = mounts / "out"
    output.mkdir()
    when(3, lambda: mounted(output, "--bind", "-o", "ro", output))
    done = darkdiff(*words(raws, model_folder, "-o", output))
    assert done.exit_code == 1, done.stderr
    assert f"{output}: cannot be written to any more (Read-only file system); run the batch again" in done.stderr
    assert 0 < len(photos(output)) < PHOTOS
    subprocess.run(["umount", output], check=True)
    again = darkdiff(*words(raws, model_folder, "-o", output))
    assert again.exit_code == 0, again.stderr
    assert photos(output) == expected
    assert files(output) == []


@pytest.mark.parametrize("how", [pytest.param("renamed", marks=pytest.mark.slow), "removed", "replaced", "unmounted"])
def test_a_folder_of_photos_that_goes_away_is_not_made_anew(
    how: str, mounts: Path, raws: Path, expected, model_folder: Path, when
) -> None:
    output, moved = mounts / "out", mounts / "moved"
    output.mkdir()

    def happens() -> None:
        if how == "removed":
            while output.exists():  # the run, which goes on meanwhile, gives its claims back and takes others
                shutil.rmtree(output, ignore_errors=True)
        elif how == "unmounted":
            subprocess.run(["umount", "-l", output], check=True)
        else:
            output.rename(moved)
            if how == "replaced":
                output.mkdir()

    if how == "unmounted":
        mounted(output, "-t", "tmpfs", "-o", "size=8m", "tmpfs")
    when(3, happens)
    done = darkdiff(*words(raws, model_folder, "-o", output))
    assert done.exit_code == 1, done.stderr
    assert f"{output}: is not there any more; put the drive or the folder back, and run the batch again." in done.stderr
    assert "Traceback" not in done.stderr
    assert not output.exists() or not any(output.iterdir())
    if how in ("renamed", "replaced"):
        again = darkdiff(*words(raws, model_folder, "-o", moved))
        assert again.exit_code == 0, again.stderr
        assert photos(moved) == expected
        assert files(moved) == []


def test_a_card_that_is_pulled_out_costs_no_file(mounts, raws, expected, model_folder, when) -> None:
    card, output = mounts / "card", mounts / "out"
    mounted(card, "--bind", raws)
    when(3, lambda: subprocess.run(["umount", "-l", card], check=True))
    done = darkdiff(*words(card, model_folder, "-o", output))
    assert done.exit_code == 1
    assert f"{card}: is not there any more; put the drive or the folder back, and run the batch again." in done.stderr
    assert all(entry["status"] == "done" for entry in entries(output))
    assert 0 < len(photos(output)) < PHOTOS
    mounted(card, "--bind", raws)
    again = darkdiff(*words(card, model_folder, "-o", output))
    assert again.exit_code == 0, again.stderr
    assert photos(output) == expected


def test_a_drive_that_gives_nothing_any_more_stops_the_run(mounts, raws, expected, model_folder, when) -> None:
    """Its folder can still be listed, from memory: only the reading of the files fails, with an input/output error."""
    image, card, output = mounts / "image", mounts / "card", mounts / "out"
    with image.open("wb") as file:
        file.truncate(4 << 20)
    make = ["mkfs.ext4", "-q", "-O", "^has_journal", "-d", str(raws), str(image)]
    if shutil.which(make[0]) is None or subprocess.run(make, check=False).returncode != 0:
        pytest.skip("needs mkfs.ext4")
    content = image.read_bytes()
    mounted(card, "-o", "loop,ro", image)
    when(1, lambda: os.truncate(image, 1 << 16))
    done = darkdiff(*words(card, model_folder, "-o", output))
    assert done.exit_code == 1
    assert f"{card}: 3 files in a row cannot be read; check the drive, and run the batch again." in done.stderr
    assert done.stderr.count("cannot be read (Input/output error); check the card or the drive, and try again.") in (
        3,
        4,
    )
    assert all(entry.status == "done" for entry in Ledger(output).entries().values())
    image.write_bytes(content)
    again = darkdiff(*words(card, model_folder, "-o", output))
    assert again.exit_code == 0, again.stderr
    assert photos(output) == expected


def test_a_drive_that_takes_nothing_any_more_costs_no_photo(
    tmp_path, raws, expected, model_folder, monkeypatch
) -> None:
    output, replace = tmp_path / "out", os.replace

    def failing(source, target) -> None:
        if str(target).endswith(".jpg"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", failing)
        done = darkdiff(*words(raws, model_folder, "-o", output))
    assert done.exit_code == 1
    assert f"{output}: 3 files in a row cannot be written; check the drive, and run the batch again." in done.stderr
    assert not (output / NAME).exists()
    again = darkdiff(*words(raws, model_folder, "-o", output))
    assert again.exit_code == 0, again.stderr
    assert photos(output) == expected


def test_a_raw_that_vanishes_costs_itself_alone(tmp_path, raws, expected, model_folder, when) -> None:
    folder, output = shutil.copytree(raws, tmp_path / "night"), tmp_path / "out"
    when(1, (folder / "IMG_4.dng").unlink)
    done = darkdiff(*words(folder, model_folder, "-o", output))
    assert done.exit_code == 1
    assert f"{folder / 'IMG_4.dng'}: is not there any more; run the batch again without it." in done.stderr
    assert photos(output).items() == {name: photo for name, photo in expected.items() if "_4" not in name}.items()


@pytest.mark.parametrize("room", [48, 160])
def test_a_quota_stops_the_run_and_the_next_goes_on(
    room: int, quota: Path, raws: Path, expected, model_folder: Path
) -> None:
    """The first kilobytes are too few for a claim, the others for the second photo."""
    subprocess.run(["btrfs", "qgroup", "limit", f"{room}K", quota], check=True, capture_output=True)
    done = darkdiff(*words(raws, model_folder, "-o", quota))
    assert done.exit_code == (2 if room == 48 else 1), done.stderr
    assert f"{quota}: your quota on this disk is used up; free some space" in done.stderr
    made = photos(quota)
    assert made.items() <= expected.items()
    assert [name for name in files(quota) if not name.endswith(".claim")] == []
    one = darkdiff("enhance", raws / "IMG_0.dng", "--model", model_folder, "--quiet", "-o", quota / "one.tif")
    assert (one.exit_code, one.stderr) == (
        2,
        f"darkdiff: {quota / 'one.tif'}: your quota on this disk is used up; free some space or choose another "
        "folder.\n",
    )
    assert photos(quota) == made
    assert [name for name in files(quota) if not name.endswith(".claim")] == []
    subprocess.run(["btrfs", "qgroup", "limit", "none", quota], check=True, capture_output=True)
    again = darkdiff(*words(raws, model_folder, "-o", quota))
    assert again.exit_code == 0, again.stderr
    assert photos(quota) == expected
    assert files(quota) == []


def test_a_quota_is_not_called_a_full_disk(tmp_path: Path, monkeypatch) -> None:
    """The disk itself has room."""
    monkeypatch.setattr(place, "LOW", 0)
    for number, what in ((errno.ENOSPC, "the disk is full"), (errno.EDQUOT, "your quota on this disk is used up")):
        error = OSError(number, "no room")
        sentence = output_error(tmp_path / "a.jpg", error)
        assert str(sentence) == f"{tmp_path / 'a.jpg'}: {what}; free some space or choose another folder."
        sentence.__cause__ = error
        for failed in (error, sentence):
            assert Place(tmp_path).refuses(failed) == f"{tmp_path}: {what}; free some space and run the batch again."
    assert Place(tmp_path).refuses(OSError(13, "denied")) is None  # of one file: the folder takes others
    assert Place(tmp_path).refuses(ValueError("28")) is None
