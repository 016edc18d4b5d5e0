"""The rounds from the command line: `make kills N=500`."""

import argparse
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    """Kill batches so often, print what was found, and exit with 1 where something was not as before."""
    from tests.kills.rounds import Rounds

    parser = argparse.ArgumentParser(prog="python -m tests.kills")
    parser.add_argument("kills", type=int)
    parser.add_argument("--engine", choices=("local", "devices", "ray"), default="local")
    parser.add_argument("--seed", type=int, default=0)
    words, began = parser.parse_args(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kills-") as place:
        rounds = Rounds(Path(place), words.engine, words.seed)
        for kills in range(10, words.kills + 10, 10):
            found = rounds.run(min(kills, words.kills))
            counts = ", ".join(f"{count} {kind}" for kind, count in sorted(found.kills.items()))
            print(f"{time.monotonic() - began:.0f} s: {counts}; {found.late} late, {len(found.failures)} failures")
            sys.stdout.flush()
            for failure in found.failures:
                print(failure)
            if found.failures:
                sys.exit(1)
