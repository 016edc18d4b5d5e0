"""Whatever another program does, it is one sentence about it, and the other methods go on."""

import os
import re
import sys
import time
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from darkdiff_cli.errors import InputError, SettingsError
from darkdiff_cli.evaluation.methods.external import External
from darkdiff_cli.evaluation.sizes import at_the_size_of
from darkdiff_cli.raw import RawFrame, read_raw

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the commands here are a POSIX shell's")


@pytest.fixture(scope="module")
def frame(dark_dng: Path) -> RawFrame:
    return read_raw(dark_dng)


def rendered(template: str, frame: RawFrame, timeout: float = 60.0):
    return External(template, timeout).render(frame, None, 8.0)


def copied(folder: Path, pixels: np.ndarray) -> str:
    """A command that makes this picture."""
    iio.imwrite(folder / "made.tif", pixels)
    return f"sh -c 'cp {folder / 'made.tif'} {{out}}' {{in}}"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("cp {in} {out}", r"made a raw file (DNG) and no picture; write a developed TIFF instead."),
        ("sh -c 'head -c 1000 /dev/urandom > {out}' {in}", "made a file that cannot be read as a picture"),
        ("sh -c ': > {out}' {in}", "made a file that cannot be read as a picture"),
        ("sh -c 'mkfifo {out}' {in}", "made no picture (no message)."),
        ("sh -c 'ln -s /dev/zero {out}' {in}", "made no picture (no message)."),
        ("sh -c 'mkdir {out}' {in}", "made no picture (no message)."),
        (r"""sh -c 'printf "one\n\377 two\n" >&2; exit 7' {in} {out}""", "made no picture (exit code 7: � two)."),
        ("sh -c 'kill -9 $$' {in} {out}", "made no picture (exit code -9: no message)."),
        ("sh -c 'yes words >&2 & sleep 0.2; kill $!; exit 3' {in} {out}", "made no picture (exit code 3: w"),
    ],
)
def test_a_program_that_makes_no_picture(template: str, words: str, frame: RawFrame) -> None:
    with pytest.raises(InputError, match=re.escape(words)) as failure:
        rendered(template, frame)
    assert str(failure.value).startswith(f"{frame.path}: {template.split(maxsplit=1)[0]} made ")


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((20, 30), np.uint16), "made no picture in colour (20x30 values of uint16)."),
        (np.zeros((20, 30, 2), np.uint8), "made no picture in colour (20x30x2 values of uint8)."),
        (np.full((20, 30, 3), np.nan, np.float32), "made a picture with values that are no numbers."),
    ],
)
def test_a_picture_of_another_form(pixels: np.ndarray, words: str, frame: RawFrame, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        rendered(copied(tmp_path, pixels), frame)


def test_a_picture_is_taken_as_it_is(frame: RawFrame, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (20, 30, 3), dtype=np.uint16)
    picture = rendered(copied(tmp_path, pixels), frame)
    assert np.array_equal(picture, pixels.astype(np.float32) / np.float32(65535))


def test_a_picture_of_another_width_is_not_cut_to_the_reference() -> None:
    reference = np.zeros((20, 30, 3), np.float32)
    assert at_the_size_of(reference, np.zeros((19, 29, 3), np.float32)).shape == (19, 29, 3)
    with pytest.raises(ValueError, match=re.escape("output of (20, 10) pixels against a reference of (20, 30)")):
        at_the_size_of(reference, np.zeros((20, 10, 3), np.float32))


def test_a_program_without_an_end_is_ended_with_all_that_it_started(frame: RawFrame, tmp_path: Path) -> None:
    note = tmp_path / "child"
    template = f"sh -c 'sleep 600 & echo $! > {note}; wait' {{in}} {{out}}"
    with pytest.raises(InputError, match=r"sh: was stopped after 0.5 seconds without an end\."):
        rendered(template, frame, 0.5)
    child = int(note.read_text())
    for _ in range(100):  # whoever takes over an orphan has to wait for it
        if not _lives(child):
            return
        time.sleep(0.05)
    pytest.fail("the program's child goes on")


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@pytest.mark.parametrize("template", ["a {in} {out} {nope}", "a {in} {out} {}", "a {in} {out} '", "a {in} {out} {"])
def test_a_template_that_is_no_command_is_refused_at_once(template: str) -> None:
    with pytest.raises(SettingsError, match="is no command with"):
        External(template, 1.0)


def test_a_program_that_is_not_there(frame: RawFrame) -> None:
    with pytest.raises(InputError, match=r"/nothere: cannot be run \(No such file or directory\)\."):
        rendered("/nothere {in} {out}", frame)
    assert External(f"{sys.executable} {{in}} {{out}}", 1.0).name.startswith("python")
