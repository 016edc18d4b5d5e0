"""What rounds of kills and long runs work on: a toy model, small raws, and batches in processes of their own."""

import contextlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.synthesis import Sensor, SensorNoise, expose, unprocess, write_dng
from darkdiff_cli.synthesis.unprocess import CAMERA_MATRICES
from tests.conftest import make_pipeline


def model(folder: Path) -> Path:
    """A saved toy model with random weights."""
    make_pipeline(default_steps=1, default_guidance=1.0).save_pretrained(folder / "toy")
    return folder / "toy"


def raw(path: Path, seed: int) -> Path:
    """A dark raw of 40 x 56 pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    matrix = np.array(CAMERA_MATRICES["Sony ILCE-7SM2"]).reshape(3, 3) / 10_000.0
    sensor = Sensor(camera_from_xyz=matrix, white_balance=(2.1, 1.0, 1.8))
    rng, (y, x) = np.random.default_rng(seed), np.mgrid[0:40, 0:56].astype(np.float32)
    picture = np.stack([x / 56, y / 40, 0.5 + 0.3 * np.sin(x / (5 + seed % 7))], axis=-1) * 0.7 + 0.1
    noise = SensorNoise(gain=0.5, shape=0.1, read_scale=0.5, row_scale=0.1)
    mosaic = expose(unprocess(picture.astype(np.float32), sensor), 100.0, noise, sensor.black, sensor.white, rng)
    write_dng(path, mosaic, sensor, CaptureMetadata(make="Sony", model="ILCE-7SM2", exposure_time=0.1, iso=100))
    return path


class Program:
    """The program in a process group of its own, forked from this one, so that nothing is imported a second time.

    Args:
        arguments: of the command line.
        log: what it prints.
    """

    def __init__(self, arguments: Sequence[object], log: Path) -> None:
        from darkdiff_cli.__main__ import main

        sys.stdout.flush()
        sys.stderr.flush()
        self.words, self.began = list(map(str, arguments)), time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            code = 70
            with contextlib.suppress(BaseException):
                os.setsid()
                with log.open("ab", buffering=0) as file:
                    for stream in (1, 2):
                        os.dup2(file.fileno(), stream)
                sys.argv = ["darkdiff", *self.words]
                try:
                    main()
                except SystemExit as end:
                    code = int(end.code or 0)
                sys.stdout.flush()
            os._exit(code)
        self.process = psutil.Process(self.pid)
        self.code: int | None = None

    def ended(self) -> bool:
        """Whether it has ended; its code is known then."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code is not None

    def wait(self, seconds: float) -> int:
        """The exit code; the negative number of the signal that killed it."""
        end = time.monotonic() + seconds
        while not self.ended():
            if time.monotonic() > end:
                raise TimeoutError(f"not ended after {seconds:g} s")
            time.sleep(0.005)
        assert self.code is not None
        return self.code

    def family(self) -> list[psutil.Process]:
        """The process and all below it, each with its words."""
        try:
            return [self.process, *self.process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []
