"""Other people's programs, scored beside the models."""

import shlex
import tempfile
from pathlib import Path
from typing import Literal

from darkdiff_cli.errors import InputError, SettingsError
from darkdiff_cli.evaluation.methods.command import run_command
from darkdiff_cli.evaluation.methods.given import named, read_picture
from darkdiff_cli.evaluation.methods.method import Method, Picture
from darkdiff_cli.raw import RawFrame

Reference = Literal["own", "protocol"]
OWN = "judged against this program's own picture of the clean raw"


class External(Method):
    """Another program by a command template with {in}, {out} (a TIFF) and optionally {ratio}.

    Args:
        word: COMMAND or NAME=COMMAND; without a name it is the program's.
        timeout: seconds that a picture may take.
        against: "own" runs the program on the clean raw too, with ratio 1, and judges it against that, so that its own
            colours do not count as an error; "protocol" judges it as every other method.

    Raises:
        SettingsError: the template names no {in} or {out}, or something else, or its quotes are not closed.
    """

    def __init__(self, word: str, timeout: float, against: Reference = "own") -> None:
        name, self.template = named(word)
        self.timeout, self.against = timeout, against
        self.needs_clean = against == "own"
        self.notes = (OWN,) if against == "own" else ()
        if "{in}" not in self.template or "{out}" not in self.template:
            raise SettingsError(f"--external {word!r}: must name {{in}} and {{out}}.")
        try:
            program = Path(self._command("in", "out", 1.0)[0]).name
        except (LookupError, ValueError, AttributeError) as error:
            raise SettingsError(
                f"--external {word!r}: is no command with {{in}}, {{out}} and {{ratio}} alone; close its quotes, "
                "and write other braces twice."
            ) from error
        self.name = name or program

    @property
    def identity(self) -> str:
        """Name, the whole command, and what it is judged against."""
        return f"{self.name} {self.template} against {self.against}"

    def render(self, dark: RawFrame, clean: RawFrame | None, ratio: float) -> Picture:  # noqa: ARG002
        """Run the program on the dark file."""
        return self._run(dark, ratio)

    def reference(self, clean: RawFrame) -> Picture | None:
        """What the program makes of the clean file, where it is judged against that."""
        return self._run(clean, 1.0) if self.against == "own" else None

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
            return read_picture(out, f"{what} made")
