"""`make fuzz`: damage files in many ways and see that the program keeps its promises."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.fuzz.raws import Raws
from tests.fuzz.runner import KINDS, run


def main() -> int:
    """Run cases as the command line says; returns 1 where one failed."""
    names = [kind.name for kind in KINDS]
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument(
        "--kind", choices=names, action="append", help="of files; more than once; all of them if left out"
    )
    parser.add_argument("--cases", type=int, default=1000, help="how many of each kind")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--case", type=int, help="this one alone, with its traceback")
    parser.add_argument("--more", type=Path, help="folder of further raws to damage")
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"), help="folder for the cases that fail")
    given = parser.parse_args()
    numbers = range(given.first, given.first + given.cases) if given.case is None else (given.case,)
    more = sorted(path for path in given.more.iterdir() if path.is_file()) if given.more else []
    failed = 0
    for kind in (kind for kind in KINDS if given.kind is None or kind.name in given.kind):
        with tempfile.TemporaryDirectory() as workplace:
            raw = issubclass(kind, Raws)
            with kind(Path(workplace), more) if raw else kind(Path(workplace)) as made:
                found = run(made, numbers, given.keep)
        peak = f", peak {found.peak_mib:.0f} MiB" if found.peak_mib else ""
        words = ", ".join(f"{len(cases)} {outcome}" for outcome, cases in sorted(found.outcomes.items()))
        print(f"{kind.name}: {words}{peak}", flush=True)
        for outcome, cases in found.outcomes.items():
            if "decoder" in outcome:
                print(f"  {outcome}: {', '.join(map(str, cases[:20]))}")
        for number, text in found.defects.items():
            print(text if given.case is not None else f"  case {number}: {text.splitlines()[-1][:200]}", flush=True)
        failed += len(found.defects)
    if failed:
        print(f"{failed} cases failed; their files are in {given.keep}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
