"""Other people's programs, scored beside the models."""

import shlex
import subprocess
import tempfile
from pathlib import Path

import imageio.v3 as iio
import numpy as np

from darkdiff_cli.errors import InputError, SettingsError
from darkdiff_cli.evaluation.methods.method import Method, Picture
from darkdiff_cli.raw import RawFrame

EXTERNAL_TIMEOUT = 900.0  # seconds


class External(Method):
    """Another program by a command template with {in}, {out} (a TIFF) and optionally {ratio}.

    It is judged against its own rendering of the clean file, so that its own colours do not count as an error.

    Args:
        template: the command.

    Raises:
        SettingsError: the template names no {in} or {out}.
    """

    needs_clean = True

    def __init__(self, template: str) -> None:
        if "{in}" not in template or "{out}" not in template:
            raise SettingsError(f"--external {template!r}: must name {{in}} and {{out}}.")
        self.template, self.name = template, Path(shlex.split(template)[0]).name

    @property
    def identity(self) -> str:
        """The whole command."""
        return self.template

    def render(self, dark: RawFrame, clean: RawFrame | None, ratio: float) -> Picture:  # noqa: ARG002
        """Run the program on the dark file."""
        return self._run(dark, ratio)

    def reference(self, clean: RawFrame) -> Picture:
        """Run the program on the clean file."""
        return self._run(clean, 1.0)

    def _run(self, frame: RawFrame, ratio: float) -> Picture:
        assert frame.path is not None
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out.tif"
            words = {"in": str(frame.path), "out": str(out), "ratio": f"{ratio:g}"}
            command = [word.format(**words) for word in shlex.split(self.template)]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=EXTERNAL_TIMEOUT, check=False)
            except (OSError, subprocess.TimeoutExpired) as error:
                raise InputError(f"{command[0]}: cannot be run ({error}).") from error
            if done.returncode != 0 or not out.is_file():
                last = (done.stderr.strip().splitlines() or ["no message"])[-1]
                raise InputError(f"{frame.path}: {command[0]} made no picture ({last}).")
            picture = np.asarray(iio.imread(out))
        top = np.iinfo(picture.dtype).max if picture.dtype.kind == "u" else 1.0
        return np.clip(picture[..., :3].astype(np.float32) / np.float32(top), 0, 1)
