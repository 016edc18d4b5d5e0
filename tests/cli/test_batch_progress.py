"""The progress of `batch`: real processes on a pseudo-terminal and on pipes; minutes on a clock of our own."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from dataclasses import replace
from pathlib import Path

import pytest

from darkdiff_cli.batch.ledger import NAME, Entry
from darkdiff_cli.batch.pace import Pace
from darkdiff_cli.batch.tally import Summary
from darkdiff_cli.commands.batch_progress import BatchProgress, time_left
from darkdiff_cli.commands.plain_lines import PlainLines
from darkdiff_cli.interrupt import StopRequest
from tests.cli.test_batch import entries, words
from tests.conftest import run_here
from tests.unit.raw.lossy_dng import write_lossy_dng
from tests.unit.raw.test_damage import NOTE

PROGRAM = [sys.executable, "-m", "darkdiff_cli"]
CODE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
STANDING = re.compile(
    r"^(\d)/4 [━╸╺]+ *(?:\d+ s left)?(?:, )?(?:(\d) failed)?(?:, )?([\d.e+]+ a minute)?", re.MULTILINE
)


@pytest.fixture
def folder(tmp_path: Path, shoot) -> Path:
    """Three dark raws and one that is cut off."""
    night = tmp_path / "night"
    for number in range(3):
        shoot(night / f"IMG_{number}.dng", 100.0, 0.1)
    (night / "cut.dng").write_bytes((night / "IMG_0.dng").read_bytes()[:-100])
    return night


def on_a_terminal(command: list[str], until: str = "", columns: int = 240) -> tuple[str, str]:
    """What a program writes to a terminal as its stderr, and to a pipe as its stdout; Ctrl-C once `until` is there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")} | {"TERM": "xterm"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # so Linux says that the program has ended
                break
            if not part:  # and so macOS
                break
            shown += part
            if until and until.encode() in shown:
                process.send_signal(signal.SIGINT)
                until = ""
        os.close(ours)
        assert process.stdout is not None
        stdout = process.stdout.read().decode()
    lines = CODE.sub("", shown.decode()).replace("\r", "\n").splitlines()
    return "\n".join(dict.fromkeys(line.strip() for line in lines)), stdout  # a bar is drawn again and again


def test_a_terminal_says_what_is_done_before_it_counts(folder: Path, model_folder: Path) -> None:
    shown, stdout = on_a_terminal([*PROGRAM, *map(str, words(folder, model_folder))])
    assert sorted(stdout.split()) == [f"IMG_{number}_darkdiff.jpg" for number in range(3)]
    first = [shown.find(text) for text in (f"reading {folder}", "loading toy", "reading 4 raws", "0/4")]
    assert first == sorted(first)
    assert first[0] >= 0
    assert [text for text in ("/100", "waiting") if text in shown] == []
    standings = [(int(n), int(failed or 0), rate) for n, failed, rate in STANDING.findall(shown)]
    assert {(n, failed) for n, failed, _ in standings} >= {(0, 0), (4, 1)}
    assert all(bool(rate) == (n - failed >= 2) for n, failed, rate in standings)
    assert re.search(r"^0/4 ━+ (cut|IMG_0)\.dng$", shown, re.MULTILINE)  # one worker needs no name
    sentence = f"darkdiff: {folder / 'cut.dng'}: is truncated or damaged (Unexpected end of file); copy it again"
    assert shown.count("Unexpected end of file") == 1
    assert sentence in shown


@pytest.mark.parametrize(("columns", "rate"), [pytest.param(60, True, marks=pytest.mark.slow), (45, False)])
def test_a_narrow_terminal_shows_the_time_left(folder: Path, model_folder: Path, columns: int, rate: bool) -> None:
    shown, _ = on_a_terminal([*PROGRAM, *map(str, words(folder, model_folder))], columns=columns)
    lines = [line for line in shown.splitlines() if re.match("./4 ", line)]
    assert max(map(len, lines)) <= columns
    assert "…" not in "".join(lines)
    standings = [line for line in lines if line.startswith("4/4")]
    assert standings
    assert all("s left" in line and ("a minute" in line) is rate for line in standings)


def test_a_watch_waits_in_words_and_its_paths_reach_the_pipe(folder: Path, model_folder: Path) -> None:
    for name in ("cut.dng", "IMG_1.dng", "IMG_2.dng"):
        (folder / name).unlink()
    shown, stdout = on_a_terminal([*PROGRAM, *map(str, words(folder, model_folder, "--watch"))], "1/1")
    assert stdout == "IMG_0_darkdiff.jpg\n"
    first = [shown.find(text) for text in ("loading toy", "waiting for raws", "0/1")]
    assert first == sorted(first)
    assert first[0] >= 0
    assert [text for text in ("0/0", "/100") if text in shown] == []


def test_enhance_says_that_it_loads(folder: Path, model_folder: Path) -> None:
    command = ["enhance", folder / "IMG_0.dng", "--model", model_folder, "--ratio", 150]
    shown, stdout = on_a_terminal([*PROGRAM, *map(str, command)])
    assert 0 <= shown.find("loading toy") < shown.find("IMG_0.dng")
    assert stdout == f"{folder / 'IMG_0_darkdiff.jpg'}\n"


def test_a_short_run_writes_no_progress_into_a_log(folder: Path, model_folder: Path) -> None:
    done = run_here(*words(folder, model_folder))
    damaged = f"{folder / 'cut.dng'}: is truncated or damaged (Unexpected end of file); copy it again from the card."
    page = f"Look at them: {folder / 'darkdiff' / 'darkdiff-report.html'}"
    assert done.stderr.splitlines() == [f"darkdiff: {damaged}", "3 done, 1 failed, 0 skipped", page]


def test_a_long_run_writes_plain_lines_into_a_log(folder: Path, model_folder: Path) -> None:
    """With a minute of no length, so that every event is a line."""
    code = "from darkdiff_cli.commands import plain_lines as p; p.MINUTE = 0.0; import darkdiff_cli.app as a; a.main()"
    command = [sys.executable, "-c", code, *map(str, words(folder, model_folder))]
    done = subprocess.run(command, capture_output=True, timeout=300, check=False)
    errors = done.stderr.decode()
    assert not re.search(r"[\r\x1b]", errors)
    lines = [re.sub(r", [\d.e+]+ photos a minute, \d+ s left$", " + rate", line) for line in errors.splitlines()]
    assert list(dict.fromkeys(lines[:-3])) == [
        f"reading {folder}",
        "loading toy",
        "reading 4 raws",
        *("0 of 4 photos done, 0 failed", "1 of 4 photos done, 0 failed", "2 of 4 photos done, 0 failed + rate"),
        *([] if "3 of 4 photos done, 0 failed + rate" not in lines else ["3 of 4 photos done, 0 failed + rate"]),
    ]
    damaged = f"{folder / 'cut.dng'}: is truncated or damaged (Unexpected end of file); copy it again from the card."
    page = f"Look at them: {folder / 'darkdiff' / 'darkdiff-report.html'}"
    assert lines[-3:] == [f"darkdiff: {damaged}", "3 done, 1 failed, 0 skipped", page]


def test_one_line_a_minute_with_exact_words(capsys) -> None:
    now = 0.0

    def entry(name: str, status: str) -> Entry:
        return Entry(name, name, f"{name}.jpg", status)

    progress = BatchProgress(lambda _progress: lines.look())
    lines = PlainLines(progress.line, lambda: now)
    progress.doing("loading tiny")
    summary = Summary(100, pace=Pace(lambda: now))
    for moment, written in ((59.9, ""), (60.0, "loading tiny\n"), (60.1, ""), (119.9, ""), (120.0, "loading tiny\n")):
        now = moment
        lines.look()
        assert capsys.readouterr().err == written
    for number in range(13):
        name = f"{number}.dng"
        summary.pace.began("cpu", name)
        progress.report({"cpu": name}, summary)
        now += 7.0
        summary.pace.finished("cpu", name, made=number != 5)
        (summary.failed if number == 5 else summary.done).append(entry(name, "failed" if number == 5 else "done"))
        progress.report({"cpu": "next"}, summary)
        assert capsys.readouterr().err == (  # at 120 + 9 * 7 = 183 s for the first time
            "8 of 100 photos done, 1 failed, 8.57 photos a minute, 11 min left\n" if number == 8 else ""
        )
    progress.report({}, replace(summary, waiting="raws"))
    now += 600
    lines.look()
    assert capsys.readouterr().err == ""  # nothing is at work


def test_what_stands_behind_the_bar_is_what_fits_the_most_telling_first() -> None:
    now = 0.0
    summary, progress = Summary(100, pace=Pace(lambda: now)), BatchProgress()
    for number in range(3):
        summary.pace.began("auto", str(number))
        now += 7.5
        summary.pace.finished("auto", str(number), made=True)
        summary.done.append(Entry(str(number), str(number), "", "done"))
    summary.failed.append(Entry("b", "b", "", "failed", "broken"))
    progress.report({"auto": "夜.dng"}, summary)
    whole = "12 min left, 1 failed, 8 a minute, 夜.dng"
    for room, said in ((42, whole), (41, whole), (40, whole[:-7]), (20, whole[:11]), (10, ""), (-5, "")):
        assert progress.tail(room) == said, room
    progress.report({"cuda:1": "b.dng", "cuda:0": "a.dng"}, summary)
    assert progress.tail(80).endswith(", cuda:0: a.dng, cuda:1: b.dng")
    with StopRequest() as summary.stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert progress.tail(60) == "ends after the photos at work, Ctrl-C again: at once"
        assert progress.tail(32) == "ends after the photos at work"


def test_times_are_in_units_that_are_read_at_a_glance() -> None:
    seconds = (0.4, 40, 89, 90, 5399, 5400, 86400)
    assert [time_left(value) for value in seconds] == [
        "0 s",
        "40 s",
        "89 s",
        "2 min",
        "1 h 30 min",
        "1 h 30 min",
        "24 h 0 min",
    ]


def test_the_damage_of_a_photo_is_named_in_log_json_and_ledger(tmp_path: Path, model_folder: Path, shoot) -> None:
    folder = tmp_path / "night"
    shoot(folder / "whole.dng", 100.0, 0.1)
    write_lossy_dng(folder / "cut.dng", cut=600)
    done = run_here(*words(folder, model_folder, "--json"))
    page = f"Look at them: {folder / 'darkdiff' / 'darkdiff-report.html'}"
    assert done.stderr.splitlines() == [f"darkdiff: cut.dng: {NOTE}.", "2 done, 0 failed, 0 skipped", page]
    notes = {entry["source"]: entry["notes"] for entry in json.loads(done.stdout)["done"]}
    assert notes == {"cut.dng": [NOTE], "whole.dng": []}
    assert {entry["source"]: entry["notes"] for entry in entries(folder / "darkdiff")} == notes
    assert (folder / "darkdiff" / NAME).read_text().count("Premature") == 1
    alone = run_here("enhance", folder / "cut.dng", "--model", model_folder, "--ratio", 150, "--json", "--quiet")
    assert alone.stderr == f"darkdiff: {folder / 'cut.dng'}: {NOTE}.\n"
    [found] = json.loads(alone.stdout)["files"]
    assert (found["file"], found["notes"]) == (str(folder / "cut.dng"), [NOTE])


def test_the_bar_goes_on_while_libraw_has_descriptor_2() -> None:
    """The program ends when it reads a word that is written only once its bar was seen."""
    code = r"""
import os, sys
from pathlib import Path
from darkdiff_cli.commands.progress import counted_progress
from darkdiff_cli.raw.damage import overheard
with counted_progress("start", quiet=False) as report, overheard(Path("a.nef"), []):
    report("decoding", 3, 7)
    os.write(2, b"a.nef: Unexpected end of file\n")
    sys.stdin.readline()
"""
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=theirs, text=True) as process:
        os.close(theirs)
        shown = b""
        alarm = signal.signal(signal.SIGALRM, lambda *_: process.kill())
        signal.alarm(60)
        try:
            while b"decoding" not in shown or b"3/7" not in shown:
                shown += os.read(ours, 65536)
            process.communicate("seen\n")
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, alarm)
    assert process.returncode == 0
    assert b"Unexpected" not in shown
