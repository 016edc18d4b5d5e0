"""A few rounds of what `make kills`, `make long` and `make dry` do for hours."""

import subprocess
import sys

import pytest


def endurance(*words: object) -> str:
    command = [sys.executable, "-m", "tests.endurance", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "kills"), [("local", 6), ("devices", 3), ("ray", 2)])
def test_a_batch_that_is_killed_again_and_again_ends_as_if_nothing_had_happened(engine: str, kills: int) -> None:
    if engine == "ray":
        pytest.importorskip("ray", reason="Ray is not installed (extra `ray`)")
    assert " late" in endurance("kills", kills, "--engine", engine, "--seed", 5)


@pytest.mark.slow
def test_a_long_batch_opens_no_more_files_and_takes_no_more_memory() -> None:
    looks = [
        line.replace(" and ", " ").replace(",", "").replace("of a processor ", "").split()
        for line in endurance("long", 500).splitlines()
    ]
    first, last = looks[0], looks[-2]  # at the last one the decoder may have ended
    assert float(last[6]) < 1.02 * float(first[6])
    assert float(last[7]) < 1.02 * float(first[7])
    assert abs(int(last[9]) - int(first[9])) <= 3  # those of the photo that is being read or written
    assert abs(int(last[10]) - int(first[10])) <= 3


@pytest.mark.slow
def test_a_planned_file_takes_little_memory() -> None:
    assert float(endurance("dry", 20_000).split()[0]) < 3000
