"""Other people's programs, scored beside the models."""

import shlex
import tempfile
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.errors import InputError, SettingsError
from darkdiff_cli.evaluation.methods.command import run_command
from darkdiff_cli.evaluation.methods.method import Method, Picture
from darkdiff_cli.raw import RawFrame
from darkdiff_cli.raw.tiff import open_tiff


class External(Method):
    """Another program by a command template with {in}, {out} (a TIFF) and optionally {ratio}.

    It is judged against its own rendering of the clean file, so that its own colours do not count as an error.

    Args:
        template: the command.
        timeout: seconds that a picture may take.

    Raises:
        SettingsError: the template names no {in} or {out}, or something else, or its quotes are not closed.
    """

    needs_clean = True

    def __init__(self, template: str, timeout: float) -> None:
        if "{in}" not in template or "{out}" not in template:
            raise SettingsError(f"--external {template!r}: must name {{in}} and {{out}}.")
        self.template, self.timeout = template, timeout
        try:
            self.name = Path(self._command("in", "out", 1.0)[0]).name
        except (LookupError, ValueError, AttributeError) as error:
            raise SettingsError(
                f"--external {template!r}: is no command with {{in}}, {{out}} and {{ratio}} alone; close its quotes, "
                "and write other braces twice."
            ) from error

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

    def _command(self, source: str, out: str, ratio: float) -> list[str]:
        words = {"in": source, "out": out, "ratio": f"{ratio:g}"}
        return [word.format(**words) for word in shlex.split(self.template)]

    def _run(self, frame: RawFrame, ratio: float) -> Picture:
        assert frame.path is not None
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out.tif"
            command = self._command(str(frame.path), str(out), ratio)
            code, said = run_command(command, self.timeout)
            what = f"{frame.path}: {command[0]}"
            if code != 0:
                raise InputError(f"{what} made no picture (exit code {code}: {said or 'no message'}).")
            if not out.is_file():
                raise InputError(f"{what} made no picture ({said or 'no message'}).")
            return _picture(out, what)


def _picture(path: Path, what: str) -> Picture:
    """(h, w, 3) in [0, 1] of what a program has written.

    Args:
        path: of the file.
        what: who made it of which raw, for messages.

    Raises:
        InputError: it is no picture in colour.
    """
    if _is_dng(path):
        raise InputError(f"{what} made a raw file (DNG) and no picture; let it write a developed TIFF.")
    try:
        pixels: NDArray[Any] = np.asarray(iio.imread(path))
    except Exception as error:  # readers of many formats raise errors of many kinds
        raise InputError(f"{what} made a file that cannot be read as a picture; let it write a TIFF.") from error
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4) or pixels.dtype.kind not in "uf":
        form = "x".join(map(str, pixels.shape))
        raise InputError(f"{what} made no picture in colour ({form} values of {pixels.dtype}).")
    top = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1.0
    picture = pixels[..., :3].astype(np.float32) / np.float32(top)
    if not np.isfinite(picture).all():
        raise InputError(f"{what} made a picture with values that are no numbers.")
    return np.clip(picture, 0, 1)


def _is_dng(path: Path) -> bool:
    """Whether a file is a DNG, whose first image may be a small preview in colour."""
    try:
        with open_tiff(path) as file:
            return "DNGVersion" in file.pages.first.tags
    except Exception:  # of many kinds: it is no TIFF
        return False
