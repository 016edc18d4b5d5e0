"""What a file may make a reader do, for the process that decodes; it loads no more than it needs."""

import time

import numpy as np


def swell(gigabytes: float) -> float:
    """Take memory bit by bit, as a picture of a claimed size does."""
    parts = [np.ones(1 << 21, np.float64) for _ in range(int(gigabytes * 2**30 / (1 << 24)))]
    time.sleep(0.5)
    return float(len(parts))


def hang() -> None:
    """Never come back."""
    while True:
        time.sleep(1)


def stumble() -> None:
    """What no reader foresees."""
    raise ZeroDivisionError("no such number")


def fail(error: Exception) -> None:
    """Fail as the machine, a library or the system would."""
    raise error
