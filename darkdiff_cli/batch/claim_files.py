"""The files of claims: their names, and what is written in them."""

import json
import os
import re
import socket
from contextlib import suppress
from pathlib import Path

SUFFIX = ".claim"
_NAMED, _RUN = re.compile(r"\w+\.[0-9]{1,9}\.claim"), re.compile(r"[\w.-]{1,200}", re.ASCII)


def claims_of(folder: Path, key: str) -> list[Path]:
    """The claims on a task, the newest last."""
    return sorted((claim for claim in folder.glob(f"{key}.*{SUFFIX}") if _NAMED.fullmatch(claim.name)), key=number_of)


def claim_path(folder: Path, key: str, number: int) -> Path:
    """The file of a task's claim; the number tells after how many others it comes."""
    return folder / f"{key}.{number}{SUFFIX}"


def number_of(claim: Path) -> int:
    """The number in a claim's name."""
    return int(claim.name.split(".")[-2])


def write_claim(claim: Path, run: str, photo: str) -> None:
    """Make a claim.

    Args:
        claim: its file.
        run: that makes it.
        photo: which the run is going to make, from the folder of the photos.

    Raises:
        FileExistsError: there is one.
        OSError: it cannot be written; nothing is left of it.
    """
    # Host and process are for those who look into it.
    who = {"run": run, "host": socket.gethostname(), "pid": os.getpid(), "photo": photo}
    file = claim.open("xb", buffering=0)
    try:
        with file:  # a network drive may say only at the end that it is full
            file.write(json.dumps(who).encode())
    except OSError:
        unlink(claim)
        raise


def run_of(claim: Path) -> str | None:
    """The run that made a claim; None where that is not written there, in letters that a run is named with."""
    run = str(read_claim(claim).get("run", ""))
    return run if _RUN.fullmatch(run) else None


def read_claim(claim: Path) -> dict[str, object]:
    """What is written in a claim; nothing where that cannot be read."""
    with suppress(OSError, ValueError, RecursionError):
        value = json.loads(claim.read_bytes()) if claim.is_file() else {}  # a pipe would not end
        return value if isinstance(value, dict) else {}
    return {}


def unlink(path: Path) -> None:
    """Remove a file where that can be done."""
    with suppress(OSError):
        path.unlink()
