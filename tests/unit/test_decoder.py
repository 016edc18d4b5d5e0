"""The process that decodes raws: what a file may do to it, and nothing to the program."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from darkdiff_cli import decoder as decoder_module
from darkdiff_cli.decoder import Decoder
from darkdiff_cli.errors import DarkdiffError, DecoderError, InputError, MemoryLimitError
from darkdiff_cli.raw import ExposureSettings, read_exposure
from tests.cli.test_batch import darkdiff
from tests.unit.readers import fail, hang, stumble, swell

RAW = Path("a.dng")
GIVEN = ExposureSettings(ratio=100.0)
ORPHAN = """
from pathlib import Path
from darkdiff_cli.decoder import Decoder
from tests.unit.readers import hang
if __name__ == "__main__":
    decoder = Decoder(module="tests.unit.readers")
    decoder.start()
    print(decoder.process.pid, flush=True)
    decoder.run(Path("a.dng"), hang)
"""


@pytest.fixture(autouse=True)
def _kept_decoders() -> None:
    """Nothing is: here a process is started and ended as the program does it."""


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder(timeout=60, module="tests.unit.readers") as decoder:
        yield decoder


def test_one_that_dies_or_hangs_is_replaced(decoder: Decoder, dark_dng: Path, monkeypatch) -> None:
    exposure = decoder.run(dark_dng, read_exposure, dark_dng, ExposureSettings())
    assert exposure.frame.mosaic_dn.shape == (80, 112)
    assert 1 <= exposure.ratio <= 300
    assert decoder.process is not None and decoder.process.pid is not None
    os.kill(decoder.process.pid, signal.SIGKILL)  # as a segfault in LibRaw would
    with pytest.raises(InputError, match="brought the raw decoder down"):
        decoder.run(dark_dng, read_exposure, dark_dng, GIVEN)
    assert decoder.run(dark_dng, read_exposure, dark_dng, GIVEN).ratio == 100.0
    monkeypatch.setattr(decoder, "timeout", 0.5)
    with pytest.raises(InputError, match=r"a\.dng: takes over 0\.5 s"):
        decoder.run(RAW, hang)
    monkeypatch.setattr(decoder, "timeout", 60)
    assert decoder.run(dark_dng, read_exposure, dark_dng, GIVEN).frame.cfa == exposure.frame.cfa


def test_who_may_wait_longer_is_told_how() -> None:
    with Decoder(0.5, option="--timeout") as decoder, pytest.raises(InputError) as error:
        decoder.run(RAW, hang)
    assert str(error.value).endswith("decode; copy it again from the card, or give it longer with --timeout.")


def test_one_that_takes_too_much_memory_is_ended(decoder: Decoder, monkeypatch) -> None:
    monkeypatch.setattr(decoder, "memory", 2**30)
    assert decoder.run(RAW, swell, 0.25) == 16
    with pytest.raises(MemoryLimitError, match=r"a\.dng: needs over 1\.1 GB to decode"):
        decoder.run(RAW, swell, 2.0)
    assert decoder.run(RAW, swell, 0.25) == 16


def test_a_stop_while_it_works_leaves_nothing_behind(decoder: Decoder, monkeypatch) -> None:
    held = decoder_module._held

    def interrupted(process) -> int:
        if decoder.loaded:
            raise KeyboardInterrupt
        return held(process)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(decoder_module, "_held", interrupted)
        decoder.run(RAW, swell, 0.25)
    assert decoder.run(RAW, swell, 0.0) == 0  # and not an answer to the question before


def test_what_no_reader_foresees_is_one_sentence_about_the_file(decoder: Decoder) -> None:
    with pytest.raises(InputError, match=r"^a\.dng: cannot be decoded \(ZeroDivisionError: no such number\)\.$"):
        decoder.run(RAW, stumble)


@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        (ImportError("x.so: failed to map segment"), MemoryLimitError, "a.dng: does not fit into memory"),
        (ImportError("x.so: no version"), DecoderError, "a.dng: the process that decodes raws does not start"),
        (RuntimeError("can't start new thread"), DecoderError, "a.dng: the machine has no processes or threads left"),
        (OSError(errno.EMFILE, "Too many open files"), DecoderError, "a.dng: the machine has no open files left"),
    ],
)
def test_what_the_machine_lacks_is_not_the_files_fault(
    decoder: Decoder, error: Exception, kind: type[DarkdiffError], sentence: str
) -> None:
    with pytest.raises(kind, match=sentence):
        decoder.run(RAW, fail, error)


def test_it_goes_with_a_program_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)
    paths = os.pathsep.join(path for path in sys.path if path)
    program = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths}
    )
    assert program.stdout is not None
    child = psutil.Process(int(program.stdout.readline()))
    time.sleep(0.5)  # until it hangs
    program.kill()
    program.wait()
    program.stdout.close()
    _, alive = psutil.wait_procs([child], timeout=10)
    assert not alive


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["as it starts", "at work"])
def test_it_outlives_a_signal_that_is_for_all_processes_of_the_program(number: signal.Signals, moment: str) -> None:
    with Decoder(timeout=60, module="tests.unit.readers") as decoder:
        assert decoder.process is not None and decoder.process.pid is not None
        process = decoder.process.pid
        if moment == "at work":
            assert decoder.run(RAW, len, "four") == 4
        os.kill(process, number)
        assert decoder.run(RAW, len, "seven") == 5
        assert decoder.process.pid == process


def test_a_program_that_leaves_it_running_ends_nonetheless(tmp_path: Path) -> None:
    script = tmp_path / "forgetful.py"
    script.write_text(
        ORPHAN.replace('decoder.run(Path("a.dng"), hang)', "print(decoder.run(Path('a.dng'), len, 'four'))")
    )
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        timeout=120,
    )
    assert done.returncode == 0
    process, answer = done.stdout.split()
    assert answer == "4"
    assert not psutil.pid_exists(int(process))


@pytest.mark.parametrize("command", ["enhance", "info", "preview"])
def test_a_raw_that_brings_it_down_is_one_sentence_and_the_next_goes_on(
    command: str, dark_dng: Path, model_folder: Path, tmp_path: Path, monkeypatch
) -> None:
    raws = [tmp_path / f"{name}.dng" for name in "abc"]
    for raw in raws:
        raw.write_bytes(dark_dng.read_bytes())
    run = Decoder.run

    def falling(self: Decoder, path: Path, *arguments, **options):
        if path == raws[1]:
            assert self.process is not None
            self.process.kill()
        return run(self, path, *arguments, **options)

    monkeypatch.setattr(Decoder, "run", falling)
    machine = [] if command == "info" else ["--model", model_folder, "--quiet", "--device", "cpu", "--ratio", 100]
    output = [] if command == "info" else ["-o", tmp_path / ("sheet.jpg" if command == "preview" else "out")]
    done = darkdiff(command, *raws, *machine, *output, "--json")
    assert done.exit_code == 1
    assert done.stderr.count("darkdiff:") == 1
    assert f"{raws[1]}: brought the raw decoder down; copy it again from the card." in done.stderr
    found = json.loads(done.stdout)
    assert [one["file"] for one in found["files"]] == [str(raws[0]), str(raws[2])]
    assert found["failed"] == [
        {"file": str(raws[1]), "error": f"{raws[1]}: brought the raw decoder down; copy it again from the card."}
    ]


def test_the_time_that_it_takes_to_start_is_not_the_files(monkeypatch) -> None:
    with Decoder(timeout=0.2, module="tests.unit.readers") as decoder:
        assert decoder.run(RAW, len, "four") == 4
        decoder.close()
        monkeypatch.setattr(decoder_module, "LOADING", 0.0)
        with pytest.raises(DarkdiffError, match=r"a\.dng: the process that decodes raws does not start"):
            decoder.run(RAW, len, "four")


def test_one_that_is_killed_while_it_starts_gets_a_second_start() -> None:
    with Decoder(module="tests.unit.readers") as decoder:
        assert decoder.process is not None
        decoder.process.kill()
        assert decoder.run(RAW, len, "four") == 4


def test_one_that_does_not_load_is_not_the_files_fault(capfd: pytest.CaptureFixture[str]) -> None:
    wrong = r"a\.dng: .* does not start \(No module named 'no'\)"
    with Decoder(module="no.such.module") as decoder, pytest.raises(DecoderError, match=wrong):
        decoder.run(RAW, swell, 0.0)
    assert capfd.readouterr().err == ""
