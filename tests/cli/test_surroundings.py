"""Streams, folders and files as a broken or hostile machine has them: the program does without, or says so."""

import errno
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import typer

from darkdiff_cli.__main__ import _have_a_home, main
from darkdiff_cli.batch.claims import FOLDER, Claims, Task
from darkdiff_cli.batch.jobs import Job
from darkdiff_cli.batch.ledger import NAME, Entry, Ledger
from darkdiff_cli.batch.presence import _state
from darkdiff_cli.commands.console import quiet_libraries
from darkdiff_cli.commands.exits import with_exit_code
from darkdiff_cli.compiler_cache import keep_compiled_networks
from darkdiff_cli.errors import InputError, OutputError, sentence_of
from darkdiff_cli.model_list import list_models
from darkdiff_cli.raw import read_raw
from tests.conftest import run_darkdiff

INFO = f"exec {sys.executable} -m darkdiff_cli info --json"


def shell(words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", words], capture_output=True, text=True, check=False)


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX closes the stream")
def test_a_closed_standard_error_costs_nothing(dark_dng: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{INFO} {dark_dng} /nowhere.dng 2>&-"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert '"failed"' in done.stdout
    assert "darkdiff:" not in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX makes the pipe")
def test_whoever_stops_reading_gets_no_words(dark_dng: Path) -> None:
    done = shell(f"{INFO} {dark_dng} | true")
    assert done.stderr == ""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have another variable for the cache")
def test_a_cache_that_cannot_be_written_to_is_left_to_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    keep_compiled_networks()
    assert "TORCHINDUCTOR_CACHE_DIR" not in os.environ


@pytest.mark.skipif(os.name == "nt", reason="there are no named pipes in folders")
def test_nobody_waits_for_a_pipe(tmp_path: Path) -> None:
    for name in ("a.dng", "x.run", "model_index.json"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match=r"a\.dng: is a device or a pipe"):
        read_raw(tmp_path / "a.dng")
    assert _state(tmp_path / "x.run") is None
    assert [model for model in list_models([tmp_path]).models if model.place == "local"] == []


def test_a_ledger_that_leads_elsewhere_is_not_written_through(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / NAME).symlink_to(precious)
    with pytest.raises(OutputError, match="is a link"):
        Ledger(tmp_path / "out").append(Entry("a", "a.dng", "a.jpg", "done"))
    assert precious.read_text() == "mine\n"


def test_a_ledger_line_with_another_kind_of_model_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text('{"key":"a","source":"a.dng","output":"a.jpg","status":"done","model":{"a":1}}\n')
    assert Ledger(tmp_path).entries() == {}


def test_claims_that_lead_elsewhere_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / FOLDER).symlink_to(tmp_path / "precious")
    claims = Claims(tmp_path / "out", Ledger(tmp_path / "out"))
    with pytest.raises(OutputError, match=f"{FOLDER}: is a link"):
        claims.take(Task(Job(tmp_path, "a.dng", tmp_path / "out", "a.jpg"), "a"))
    claims.tidy()
    assert list((tmp_path / "precious").iterdir()) == []


@pytest.mark.parametrize(("given", "shown"), [([], False), (["default"], True)])
def test_warnings_of_libraries_reach_only_whoever_asked_python_for_them(
    given: list[str], shown: bool, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr(sys, "warnoptions", given)
    monkeypatch.setenv("PYTHONWARNINGS", ",".join(given))
    quiet_libraries()
    warnings.warn("here", RuntimeWarning, stacklevel=1)
    done = shell(f"{sys.executable} -c 'import warnings; warnings.warn(\"there\", RuntimeWarning)'")
    assert [len(recwarn) > 0, "there" in done.stderr] == [shown, shown]


@pytest.mark.skipif(os.name == "nt", reason="users of Windows have a home")
def test_a_user_without_a_home_has_no_presets_and_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/")  # what is set below is taken back after the test
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999_999)  # of a container, in no list of users
    _have_a_home()
    assert not Path.home().exists()


def test_an_interrupt_before_a_command_has_begun_ends_as_every_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("darkdiff_cli.app.main", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "darkdiff: interrupted\n"


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (MemoryError(), "memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "memory"),
        (ImportError("x.so: failed to map segment from shared object"), "memory"),
        (SystemError("error return without exception set"), "memory"),
        (OSError(errno.EMFILE, "Too many open files"), "open files"),
        (ImportError("x.so: cannot open shared object file: Too many open files"), "open files"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "processes or threads"),
        (RuntimeError("can't start new thread"), "processes or threads"),
    ],
)
def test_what_the_machine_lacks_is_said(error: Exception, what: str) -> None:
    sentence = f"the machine has no {what} left; close other programs, or raise the limit (ulimit)."
    assert sentence_of(error) == sentence
    assert sentence_of(error, Path("a.dng")) == f"a.dng: {sentence}"


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX sets the limit")
def test_too_few_open_files_are_one_sentence(dark_dng: Path) -> None:
    done = shell(f"ulimit -n 8; {INFO} {dark_dng}")
    sentence = "the machine has no open files left; close other programs, or raise the limit (ulimit)."
    assert (done.returncode, done.stderr) == (2, f"darkdiff: {sentence}\n")


@pytest.mark.parametrize("words", [("enhance", ""), ("batch", "night", "-o", ""), ("--debug", "models", "")])
def test_an_empty_argument_is_no_name_of_the_current_folder(words: tuple[str, ...]) -> None:
    done = run_darkdiff(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("darkdiff: an argument is empty, as where a variable of the shell is unset;")


def test_an_interrupt_that_a_library_makes_an_error_of_is_an_interrupt(capsys: pytest.CaptureFixture[str]) -> None:
    """diffusers imports its parts in the middle of other work, and says of each failure that it failed to import."""

    def loading() -> int:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise RuntimeError("failed to import") from error

    def two_errors() -> int:
        first, second = ValueError("a"), ValueError("b")
        first.__context__, second.__context__ = second, first
        raise first

    for command, code, words in ((loading, 130, "interrupted"), (two_errors, 2, "unexpected ValueError: a")):
        with pytest.raises(typer.Exit) as ended:
            with_exit_code(command)()
        assert ended.value.exit_code == code
        assert words in capsys.readouterr().err
