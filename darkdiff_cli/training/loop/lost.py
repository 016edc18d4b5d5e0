"""What torch says when a process that a run needs is gone, in one sentence."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch.distributed

from darkdiff_cli.errors import TrainingError

OF_A_WORKER = "DataLoader worker (pid"
SIGNAL = re.compile(r"is killed by signal: ([^.]*)")
OF_A_GROUP = re.compile(r"\bgloo\b|\bNCCL\b")
DIST_ERROR = (torch.distributed.DistError,) if torch.distributed.is_available() else ()


@contextmanager
def named_losses() -> Iterator[None]:
    """Say in a sentence that a data worker or another process of the run is gone.

    A dead worker is noticed at any moment, by a signal handler of torch's.

    Raises:
        TrainingError: one of them is gone; checkpoints are whole.
    """
    try:
        yield
    except RuntimeError as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        raise TrainingError(sentence) from error


def _sentence(error: RuntimeError) -> str | None:
    if OF_A_WORKER in str(error):
        signal = SIGNAL.search(f"{error} {error.__cause__}")
        how = f" ({signal[1]})" if signal is not None else ""
        return (
            f"a process that makes training pairs was ended from outside{how}, perhaps because memory ran out; free "
            "some or give fewer --workers, and go on with --resume."
        )
    if isinstance(error, DIST_ERROR) or OF_A_GROUP.search(str(error)):
        return (
            "another process of this training has ended; look for its own message, free some memory where it has none, "
            "and start all of them again with --resume."
        )
    return None
