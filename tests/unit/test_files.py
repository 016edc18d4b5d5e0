"""Files are whole or not there, whatever kills the writer; lines are passed over where they are torn."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from darkdiff_cli.errors import DriveError, OutputError
from darkdiff_cli.files import JsonLines, atomically, atomically_by_any, input_error, remove_partials
from darkdiff_cli.raw.opening import open_raw

DYING = """
import os, signal, sys
from pathlib import Path
from darkdiff_cli.files import atomically

def write(partial):
    partial.write_bytes(b"torn")
    os.kill(os.getpid(), signal.SIGKILL)

atomically(Path(sys.argv[1]), write)
"""
APPENDING = """
import sys
from pathlib import Path
from darkdiff_cli.files import JsonLines

for number in range(200):
    JsonLines(Path(sys.argv[1])).append({"who": sys.argv[2], "number": number, "long": "x" * 500}, sync=False)
"""


def killed_writer(path: Path) -> Path:
    """What a process that was killed while it wrote a file left behind."""
    before = set(path.parent.iterdir())
    subprocess.run([sys.executable, "-c", DYING, path], check=False)
    [partial] = set(path.parent.iterdir()) - before
    return partial


@pytest.fixture
def small_files():
    """Nothing beyond 1,000 bytes of a file can be written, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_file_is_written_or_replaced_with_the_folder_it_lies_in(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.txt"
    for text in ("one", "two"):
        atomically(path, lambda partial, text=text: partial.write_text(text))
        assert path.read_text() == text
    assert os.listdir(path.parent) == ["a.txt"]


@pytest.mark.parametrize("name", ["n" * 246 + ".jpg", "é" * 123 + ".jpg"])  # 250 bytes: 255 are allowed
def test_a_long_name_can_be_written(name: str, tmp_path: Path) -> None:
    atomically(tmp_path / name, lambda partial: partial.write_text("whole"))
    assert (tmp_path / name).read_text() == "whole"
    left = killed_writer(tmp_path / name)
    remove_partials(tmp_path / name)
    assert not left.exists()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_whatever_ends_the_writing_the_old_file_stays(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write(partial: Path) -> None:
        partial.write_text("half of the n")
        raise error

    with pytest.raises(error):
        atomically(path, write)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_full_disk_is_one_sentence_and_the_old_file_stays(small_files, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(OutputError, match=r"a\.txt: the disk is full; free some space"):
        atomically(path, lambda partial: partial.write_bytes(bytes(2000)))
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_place_that_is_no_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"cannot be written \((Not a directory|File exists)\); choose another"):
        atomically(tmp_path / "file" / "a.txt", lambda partial: partial.touch())
    with pytest.raises(OutputError, match="cannot be written"):
        JsonLines(tmp_path / "file" / "a.jsonl").append({}, sync=True)


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    path, other, mine = tmp_path / "a[1].jpg", tmp_path / "b.jpg", tmp_path / ".my notes.saturday.partial"
    path.write_text("old")
    mine.touch()
    first, second, foreign = killed_writer(path), killed_writer(path), killed_writer(other)
    assert path.read_text() == "old"
    remove_partials(path)
    assert not first.exists()
    assert not second.exists()
    assert foreign.read_bytes() == b"torn"  # another process may be writing it
    remove_partials(tmp_path)
    assert set(tmp_path.iterdir()) == {path, mine}
    remove_partials(tmp_path / "nowhere" / "a.jpg")


def test_what_killed_runs_left_of_a_file_that_any_writes_is_removed(tmp_path: Path) -> None:
    path, others = tmp_path / "page.html", iter((True, True, False))
    path.write_text("old")
    killed_writer(path)

    def write(partial: Path) -> None:
        partial.write_text("new")
        if next(others):  # another run begins to write it in this moment
            remove_partials(path)

    atomically_by_any(path, write)
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["page.html"]
    with pytest.raises(OutputError, match="cannot be written"):
        atomically_by_any(path, lambda partial: remove_partials(path))


def test_lines_are_read_on_from_where_the_last_call_ended(tmp_path: Path) -> None:
    lines, other = JsonLines(tmp_path / "log" / "a.jsonl"), JsonLines(tmp_path / "log" / "a.jsonl")
    assert other.read_new() == []
    lines.append({"a": 1}, sync=True)
    lines.append({"b": "two\nlines \u2028"}, sync=False)
    assert other.read_new() == [{"a": 1}, {"b": "two\nlines \u2028"}]
    assert other.read_new() == []
    with lines.path.open("ab") as file:
        file.write(b'{"c": ')
    assert other.read_new() == []
    with lines.path.open("ab") as file:
        file.write(b"3}\n")
    assert other.read_new() == [{"c": 3}]
    assert len(JsonLines(lines.path).read_new()) == 3


def test_torn_and_foreign_lines_are_passed_over_and_the_next_begins_anew(tmp_path: Path) -> None:
    lines = JsonLines(tmp_path / "a.jsonl")
    lines.path.write_bytes(b'{"a": 1}\n\n[1, 2]\n7\nwords\n\xff\xfe\n{"a": 2')
    lines.append({"a": 3}, sync=True)
    lines.append({"a": 4}, sync=True)
    assert lines.read_new() == [{"a": 1}, {"a": 3}, {"a": 4}]
    assert lines.path.read_bytes().endswith(b'{"a": 2\n{"a": 3}\n{"a": 4}\n')


def test_a_file_is_cut_off_before_a_line_and_links_are_not_followed(tmp_path: Path) -> None:
    lines = JsonLines(tmp_path / "a.jsonl")
    lines.cut(lambda _value: True)
    assert not lines.path.exists()
    lines.path.write_bytes(b"words\n[4]\n")
    for number in (0, 1, 2, 3, 1):
        lines.append({"step": number}, sync=False)
    before = lines.path.read_bytes()
    assert len(lines.read_new()) == 5
    lines.cut(lambda value: value["step"] == 4)
    assert lines.path.read_bytes() == before
    lines.cut(lambda value: value["step"] == 2)
    assert lines.path.read_bytes() == b'words\n[4]\n{"step": 0}\n{"step": 1}\n'
    lines.append({"step": 5}, sync=False)
    assert lines.read_new() == [{"step": 5}]
    link = JsonLines(tmp_path / "b.jsonl")
    link.path.symlink_to("a.jsonl")
    before = lines.path.read_bytes()
    link.cut(lambda _value: True)
    assert lines.path.read_bytes() == before


def test_a_line_that_a_full_disk_cut_off_does_not_spoil_the_next(small_files, tmp_path: Path) -> None:
    lines = JsonLines(tmp_path / "a.jsonl")
    lines.append({"a": 1}, sync=True)
    with pytest.raises(OutputError, match="the disk is full"):
        lines.append({"a": "x" * 2000}, sync=True)
    assert lines.path.stat().st_size == 1000
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    lines.append({"a": 2}, sync=True)
    assert lines.read_new() == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ENOTCONN])
@pytest.mark.parametrize("asked", ["stat", "open"])
def test_a_drive_that_is_away_is_told_from_a_file_that_is_not_there(asked: str, number: int, tmp_path, monkeypatch):
    path = tmp_path / "a.dng"
    path.write_bytes(b"raw")

    def away(*_words, **_named):
        raise OSError(number, os.strerror(number))

    said = f"{path}: cannot be read ({os.strerror(number)}); check the card or the drive, and try again."
    monkeypatch.setattr(Path, asked, away)
    with pytest.raises(DriveError) as raw, open_raw(path):
        pass
    with pytest.raises(DriveError) as lines:
        JsonLines(path).read_new()
    assert (str(raw.value), str(lines.value)) == (said, said)


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENAMETOOLONG])
def test_what_is_not_the_drives_fault_is_not_said_to_be(number: int, tmp_path: Path) -> None:
    error = input_error(tmp_path, OSError(number, "words"))
    assert not isinstance(error, DriveError)
    assert str(error) == f"{tmp_path}: cannot be read (words); check its path and permissions."


def test_several_processes_append_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    processes = [subprocess.Popen([sys.executable, "-c", APPENDING, path, who]) for who in ("one", "two")]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    found = JsonLines(path).read_new()
    assert [line["number"] for line in found if line["who"] == "one"] == list(range(200))
    assert [line["number"] for line in found if line["who"] == "two"] == list(range(200))
