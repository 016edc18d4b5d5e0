"""What `make kills N=500`, `make long N=5000` and `make dry N=100000` run."""

import argparse
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    """Do it, print what was found, and exit with 1 where that is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.endurance")
    parser.add_argument("what", choices=("kills", "long", "dry"))
    parser.add_argument("count", type=int)
    parser.add_argument("--engine", choices=("local", "devices", "ray"), default="local")
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="endurance-") as name:
        place = Path(name)
        if words.what == "kills":
            _kills(place, words.count, words.engine, words.seed)
        elif words.what == "long":
            _long(place, words.count)
        else:
            from tests.endurance.long import dry

            print(f"{dry(place, words.count):.0f} bytes a file")


def _kills(place: Path, count: int, engine: str, seed: int) -> None:
    from tests.endurance.kills import Rounds

    began, rounds = time.monotonic(), Rounds(place, engine, seed)
    for kills in range(10, count + 10, 10):
        found = rounds.run(min(kills, count))
        counts = ", ".join(f"{number} {kind}" for kind, number in sorted(found.kills.items()))
        print(f"{time.monotonic() - began:.0f} s: {counts}; {found.late} late", flush=True)
        for failure in found.failures:
            print(failure)
        if found.failures:
            sys.exit(1)


def _long(place: Path, count: int) -> None:
    from tests.endurance.long import watched

    for look in watched(place, count):
        print(look, flush=True)
