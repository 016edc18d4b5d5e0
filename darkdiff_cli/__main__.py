"""`darkdiff` and `python -m darkdiff_cli`.

The process that decodes raws imports this file anew, so it imports the program only to run it.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

NOWHERE = f"{os.devnull}/none"  # where no folder can be made, by the superuser either


def main() -> None:
    """Run the program on the words of the command line."""
    _have_a_home()
    try:
        from darkdiff_cli.app import main as run

        run()
    except KeyboardInterrupt:  # before a command has begun, which says more
        with suppress(OSError, AttributeError):  # a closed stderr
            sys.stderr.write("darkdiff: interrupted\n")
        sys.exit(130)


def _have_a_home() -> None:
    """A user may have no home, in a container for instance: then nothing is kept, and there are no presets."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = NOWHERE


if __name__ == "__main__":
    main()
