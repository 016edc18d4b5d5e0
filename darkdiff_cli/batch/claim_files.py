"""The files of claims: their names, and what is written in them."""

import hashlib
import json
import os
import re
import socket
from contextlib import suppress
from pathlib import Path

from darkdiff_cli.names import folded

SUFFIX = ".claim"
_NAMED, _RUN = re.compile(r"\w+\.[0-9]{1,9}\.claim"), re.compile(r"[\w.-]{1,200}", re.ASCII)


def claims_of(folder: Path, photo: str) -> list[Path]:
    """The claims on a photo, the newest last."""
    found = folder.glob(f"{_name(photo)}.*{SUFFIX}")
    return sorted((claim for claim in found if _NAMED.fullmatch(claim.name)), key=number_of)


def claim_path(folder: Path, photo: str, number: int) -> Path:
    """The file of a claim on a photo; the number tells after how many others it comes."""
    return folder / f"{_name(photo)}.{number}{SUFFIX}"


def _name(photo: str) -> str:
    """A word for a photo: the same for all names that are one file somewhere."""
    return hashlib.blake2b(os.fsencode(folded(photo)), digest_size=16).hexdigest()


def number_of(claim: Path) -> int:
    """The number in a claim's name."""
    return int(claim.name.split(".")[-2])


def write_claim(claim: Path, run: str, key: str, photo: str) -> None:
    """Make a claim.

    Args:
        claim: its file.
        run: that makes it.
        key: of the task.
        photo: which the run is going to make, from the folder of the photos.

    Raises:
        FileExistsError: there is one.
        OSError: it cannot be written; nothing is left of it.
    """
    # Host and process are for those who look into it.
    who = {"run": run, "host": socket.gethostname(), "pid": os.getpid(), "key": key, "photo": photo}
    file = claim.open("xb", buffering=0)
    try:
        with file:  # a network drive may say only at the end that it is full
            file.write(json.dumps(who).encode())
            os.fsync(file.fileno())  # or a power cut leaves the photo, and nothing that tells whose it is
    except OSError:
        unlink(claim)
        raise


def run_of(claim: Path) -> str | None:
    """The run that made a claim; None where that is not written there, in letters that a run is named with."""
    run = str(read_claim(claim).get("run", ""))
    return run if _RUN.fullmatch(run) else None


def is_claim_on(claim: Path, key: str) -> bool:
    """Whether a claim is one of this task, and not of another that makes a photo of the same name."""
    return read_claim(claim).get("key") == key


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
