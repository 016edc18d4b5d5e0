"""What the tests' kept processes promise: reused, in the command's folder, and never one that is at work."""

import os
from pathlib import Path

import pytest

from darkdiff_cli.decoder import Decoder
from darkdiff_cli.errors import UnreadableError
from tests.unit.readers import hang

RAW, MODULE = Path("a.dng"), "tests.unit.readers"


def test_an_idle_process_is_taken_again_and_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Decoder(module=MODULE) as first:
        process = first.run(RAW, os.getpid)
    monkeypatch.chdir(tmp_path)
    with Decoder(module=MODULE) as second:
        assert (second.run(RAW, os.getpid), second.run(RAW, os.getcwd)) == (process, str(tmp_path))
    monkeypatch.setenv("DARKDIFF_TEST", "1")  # which it would have inherited
    with Decoder(module=MODULE) as third:
        assert third.run(RAW, os.getpid) != process


def test_one_that_is_at_work_is_ended() -> None:
    with Decoder(timeout=0.5, module=MODULE) as hung:
        process = hung.run(RAW, os.getpid)
        with pytest.raises(UnreadableError):
            hung.run(RAW, hang)
    with Decoder(module=MODULE) as next_one:
        assert next_one.run(RAW, os.getpid) != process
