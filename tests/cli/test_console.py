"""What is printed: words of strangers never steer a terminal, JSON keeps them, a full disk is one sentence."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.commands import console
from darkdiff_cli.commands.batch_progress import batch_progress
from darkdiff_cli.commands.info import _print
from darkdiff_cli.commands.progress import counted_progress, loading, photo_progress, training_progress
from darkdiff_cli.words import printable

EVIL = "a\x1b]0;mine\x07\n\u202eb"
TAME = r"a\x1b]0;mine\x07\n\u202eb"
posix = pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX, and names that Windows does not have")


def shell(words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = words.replace("darkdiff", f"{sys.executable} -m darkdiff_cli")
    return subprocess.run(["sh", "-c", words], capture_output=True, text=True, check=False, cwd=folder)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (EVIL, TAME),
        ("\x9b31m\u2028\u2066\ufeff\udce9\r\t", r"\x9b31m\u2028\u2066\ufeff\udce9\r\t"),
        ("Nacht über 東京\u3000夜, 👩\u200d🚀 C:\\raws", "Nacht über 東京\u3000夜, 👩\u200d🚀 C:\\raws"),
    ],
)
def test_only_what_steers_a_terminal_is_escaped(words: str, shown: str) -> None:
    assert printable(words) == shown


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """stdout and stderr are a terminal within the block; what reached it stands in the list afterwards."""
    ours, theirs = os.openpty()
    read: list[bytes] = []

    def keep() -> None:
        with suppress(OSError):  # its other end is closed
            while part := os.read(ours, 4096):
                read.append(part)

    reader = Thread(target=keep)
    reader.start()
    with open(theirs, "w", encoding="utf-8") as screen, monkeypatch.context() as patch:
        patch.setenv("TERM", "xterm")
        patch.setattr(sys, "stdout", screen)
        patch.setattr(sys, "stderr", screen)
        yield read
    reader.join()
    os.close(ours)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no terminals of this kind")
def test_whatever_is_shown_on_a_terminal_is_printable(monkeypatch: pytest.MonkeyPatch) -> None:
    def results() -> None:
        console.show(EVIL)

    def notes() -> None:
        console.say(EVIL)

    def trace() -> None:
        console.tell_traceback(ValueError(EVIL))

    def of_a_photo() -> None:
        with photo_progress(EVIL, quiet=False) as report:
            assert report is not None
            report("read", 1, 1)

    def of_parts() -> None:
        with counted_progress("preview", quiet=False) as report:
            report(EVIL, 1, 2)

    def of_a_batch() -> None:
        with batch_progress(quiet=False) as progress:
            progress.doing(EVIL)

    def of_a_training() -> None:
        with training_progress("stage 0") as report:
            report("stage0-denoiser", "note", 1, 2, EVIL)

    def of_a_model() -> None:
        with loading(EVIL, quiet=False):
            pass

    def of_a_raw() -> None:
        _print([("lens", EVIL)], EVIL)

    for shown in (results, notes, trace, of_a_photo, of_parts, of_a_batch, of_a_training, of_a_model, of_a_raw):
        with terminal(monkeypatch) as read:
            shown()
        said = b"".join(read).decode()
        assert r"\x1b]0;mine\x07" in said, shown.__name__
        assert [part for part in ("\x1b]0", "\x07", "\u202e") if part in said] == [], shown.__name__


@posix
def test_a_strange_name_is_shown_in_a_line_and_kept_in_json_and_pipes(
    tmp_path: Path, shoot: Callable[..., Path], model_folder: Path
) -> None:
    raw, missing, photo = (tmp_path / f"{EVIL}{end}".replace("/", "") for end in (".dng", ".no.dng", "_darkdiff.jpg"))
    shoot(raw, 100.0, 0.1)
    words = ("enhance", raw, missing, "--model", model_folder, "--steps", 1, "--views", 1, "--ratio", 100)
    done = CliRunner().invoke(app, [*map(str, words)])
    assert photo.is_file()
    assert done.stdout == f"{photo}\n"
    said = done.stderr.splitlines()
    assert said[0] == f"darkdiff: {tmp_path}/{TAME}.no.dng: no such file; check the path."  # before the wait
    assert said[1] == f"{TAME}.dng: x100, 56x40, 1 step"
    found = json.loads(CliRunner().invoke(app, [*map(str, words), "--json", "--overwrite"]).stdout)
    assert [file["output"] for file in found["files"]] == [str(photo)]
    assert [file["file"] for file in found["failed"]] == [str(missing)]


def test_words_of_a_preset_are_printable_in_help_and_errors(tmp_path: Path, dark_dng: Path) -> None:
    (tmp_path / "p.toml").write_text(f"model = {json.dumps(EVIL)}\n")
    words = ["enhance", "--preset", str(tmp_path / "p.toml"), str(dark_dng)]
    assert "\x1b" not in CliRunner().invoke(app, [*words, "--help"], color=False).stdout
    assert f"no model '{TAME}'" in CliRunner().invoke(app, words).stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
@pytest.mark.parametrize("words", ["--help", "models --json"])
def test_a_full_standard_output_is_one_sentence(words: str, tmp_path: Path) -> None:
    done = shell(f"darkdiff {words} > /dev/full", tmp_path)
    sentence = "standard output: cannot be written (No space left on device); free some space, or send it elsewhere."
    assert (done.returncode, done.stderr) == (2, f"darkdiff: {sentence}\n")


@posix
def test_a_folder_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    done = shell("mkdir d; cd d; rmdir ../d; darkdiff batch . -o photos", tmp_path)
    sentence = "the folder that you are in is not there any more; change to another one."
    assert (done.returncode, done.stderr) == (2, f"darkdiff: {sentence}\n")
    assert list(tmp_path.iterdir()) == []


@posix
@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "Жук\u20ac.dng".encode() + b"\xe9"),
        ("cp1252", rb"\u0416\u0443\u043a" + b"\x80.dng\xe9"),
        ("ascii", rb"\u0416\u0443\u043a\u20ac.dng" + b"\xe9"),
    ],
)
def test_letters_that_standard_output_lacks_stop_nothing(encoding: str, shown: bytes, tmp_path: Path) -> None:
    path = tmp_path / "out"
    with console._Results(path.open("w", encoding=encoding)) as results:
        results.write("Жук\u20ac.dng\udce9\n")
    assert path.read_bytes() == shown + b"\n"


@posix
def test_names_in_letters_that_standard_output_lacks_are_printed(tmp_path: Path, dark_dng: Path) -> None:
    name = "Жук.dng"
    (tmp_path / name).symlink_to(dark_dng)
    done = shell(f"PYTHONIOENCODING=ascii darkdiff info {name} {name} нет", tmp_path)
    assert done.stdout.count(r"\u0416\u0443\u043a.dng") == 2
    assert done.stderr.startswith(r"darkdiff: \u043d\u0435\u0442: ")
    assert done.returncode == 1
