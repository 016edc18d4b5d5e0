"""What LibRaw says on standard error: one note, nothing of anybody else's lost, descriptor 2 as it was before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from darkdiff_cli.errors import InputError
from darkdiff_cli.raw import ExposureSettings, read_exposure, read_raw
from darkdiff_cli.raw.damage import TAIL, damage_notes, overheard, zeros_at_end
from darkdiff_cli.raw.stack import read_stack
from tests.unit.raw.lossy_dng import write_lossy_dng

NOTE = (
    "LibRaw found damage in it (Premature end of JPEG file): parts of the picture may be missing or wrong; "
    "copy it again from the card"
)


def python(code: str, **options: object) -> "subprocess.CompletedProcess[str]":
    """Run code in a process of its own, whose standard error is a pipe."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


def next_descriptor() -> int:
    """The number that the next file to be opened gets."""
    number = os.dup(0)
    os.close(number)
    return number


def test_a_cut_off_picture_has_one_note_and_stderr_stays_empty(tmp_path: Path, capfd) -> None:
    frame = read_raw(write_lossy_dng(tmp_path / "cut.dng", cut=600))
    assert [note for note in frame.notes if "LibRaw" in note] == [NOTE]
    assert not any("LibRaw" in note for note in read_raw(write_lossy_dng(tmp_path / "whole.dng")).notes)
    assert capfd.readouterr() == ("", "")


def test_a_jpeg_of_an_odd_version_is_heard(tmp_path: Path, capfd) -> None:
    path = write_lossy_dng(tmp_path / "odd.dng")
    content = path.read_bytes()
    assert content.count(b"JFIF\0\x01\x01") == 1
    path.write_bytes(content.replace(b"JFIF\0\x01\x01", b"JFIF\0\x11\x01"))
    assert "unknown JFIF revision number 17.01" in read_raw(path).notes[-1]
    assert capfd.readouterr() == ("", "")


def test_real_files_whose_end_is_missing(shared: Path, tmp_path: Path, capfd) -> None:
    whole = (shared / "raws" / "ok" / "photoprism_canon_eos_6d.dng").read_bytes()
    (tmp_path / "6d.dng").write_bytes(whole[: len(whole) * 99 // 100])
    assert read_raw(tmp_path / "6d.dng").notes[-1] == NOTE
    whole = (shared / "raws" / "ok" / "kodak_dc50.kdc").read_bytes()
    (tmp_path / "dc50.kdc").write_bytes(whole[: len(whole) * 9 // 10])
    with pytest.raises(InputError) as error:
        read_raw(tmp_path / "dc50.kdc")
    assert str(error.value).endswith(
        "dc50.kdc: is truncated or damaged (Unexpected end of file); copy it again from the card."
    )
    assert capfd.readouterr() == ("", "")


def test_a_raw_of_our_own_writer_that_is_cut_off_is_one_sentence(dark_dng: Path, tmp_path: Path, capfd) -> None:
    path = tmp_path / ("cut [1].dng" if sys.platform == "win32" else "cut\nhere: [1].dng")
    path.write_bytes(dark_dng.read_bytes()[:-100])
    with pytest.raises(InputError) as error:
        read_raw(path)
    assert str(error.value) == (
        f"{path}: is truncated or damaged (Unexpected end of file); copy it again from the card."
    )
    assert capfd.readouterr() == ("", "")


def test_a_damaged_frame_of_a_stack_and_a_damaged_dark_frame_are_named(tmp_path: Path) -> None:
    whole, cut = write_lossy_dng(tmp_path / "whole.dng"), write_lossy_dng(tmp_path / "cut.dng", cut=2)
    dark = read_exposure(whole, ExposureSettings(dark=(cut,), ratio=1.0))
    assert f"the dark frame cut.dng: {NOTE}" in dark.frame.notes
    again = write_lossy_dng(tmp_path / "again.dng", cut=3)
    stacked = read_stack((cut, again), ExposureSettings(ratio=1.0))
    assert [note for note in stacked.frame.notes if "LibRaw" in note] == [NOTE, f"again.dng: {NOTE}"]


def test_a_copy_that_was_not_finished_has_a_note_that_says_how_much_is_missing(dark_dng: Path, tmp_path: Path) -> None:
    content, path = dark_dng.read_bytes(), tmp_path / "stalled.dng"
    path.write_bytes(content[:-4500] + bytes(4500))
    share = f"4,500 bytes, {4500 / len(content):.0%} of the file"
    note = (
        f"its end is zeros ({share}): a copy may not have been finished, and parts of the picture may be missing; "
        "copy it again from the card"
    )
    assert read_raw(path).notes[-1] == note
    assert f"stalled.dng: {note}" in read_stack([dark_dng, path], ExposureSettings()).frame.notes
    path.write_bytes(content[: 1 - TAIL] + bytes(TAIL - 1))
    assert ["its end is zeros" in note for note in read_raw(path).notes] == [False]  # it has another, by its photosites


@pytest.mark.parametrize(
    ("head", "zeros", "found"), [(7, 4095, 0), (7, 4096, 4096), (7, 3 << 20, 3 << 20), (0, 5000, 5000)]
)
def test_zeros_at_the_end_are_counted_to_the_byte(head: int, zeros: int, found: int, tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(bytes(99) + b"x" * head + bytes(zeros))
    assert zeros_at_end(tmp_path / "a.raw") == found + (99 if head == 0 else 0)


def test_each_kind_is_named_once_and_the_rest_comes_out_in_order() -> None:
    code = r"""
import os, sys
from pathlib import Path
from darkdiff_cli.raw.damage import damage_notes, overheard
sys.stderr.write("before, ")  # without a line end
heard = []
with overheard(Path("/a/b.nef"), heard):
    os.write(2, b"one of C\n/a/b.nef: data corrupted at 17\n")
    print("two of Python", file=sys.stderr)
    os.write(2, b"/a/b.nef: data corrupted at 99\nCorrupt JPEG data: 3 extraneous bytes before marker 0xd9\n")
    os.write(2, b"Corrupt JPEG data: 5 extraneous bytes before marker 0xd8\nthree, without an end")
print("; after", file=sys.stderr)
print(*damage_notes(heard))
"""
    done = python(code)
    assert done.stderr == "before, one of C\ntwo of Python\nthree, without an end; after\n"
    assert done.stdout == (
        "LibRaw found damage in it (data corrupted at 17, Corrupt JPEG data: 3 extraneous bytes before marker 0xd9): "
        "parts of the picture may be missing or wrong; copy it again from the card\n"
    )
    assert damage_notes([]) == ()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_the_descriptor_is_restored_whatever_happens(error: type[BaseException], capfd) -> None:
    before, free, heard = os.fstat(2), next_descriptor(), list[str]()
    for _ in range(3):
        with pytest.raises(error), overheard(Path("a.nef"), heard):
            os.write(2, b"a.nef: Unexpected end of file\nkept\n")
            raise error
    assert os.path.samestat(os.fstat(2), before)
    assert next_descriptor() == free  # none was left open
    assert heard == ["Unexpected end of file"] * 3
    assert capfd.readouterr().err == "kept\n" * 3


def test_threads_take_turns_and_hear_their_own_file() -> None:
    code = r"""
import os, threading, time
from pathlib import Path
from darkdiff_cli.raw.damage import overheard
found, together = {}, threading.Barrier(4)
def decode(name):
    together.wait()
    with overheard(Path(name), found.setdefault(name, [])):
        for number in range(20):
            os.write(2, f"{name}: data corrupted at {number}\n".encode())
            time.sleep(0.001)
threads = [threading.Thread(target=decode, args=(f"{letter}.nef",)) for letter in "abcd"]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sorted(found.items()))
"""
    done = python(code)
    assert done.stdout == f"{[(f'{letter}.nef', ['data corrupted at 0']) for letter in 'abcd']}\n"
    assert done.stderr == ""


def test_a_process_without_standard_error_decodes(dark_dng: Path) -> None:
    code = (
        f"import os; os.close(2)\nfrom pathlib import Path\nfrom darkdiff_cli.raw import read_raw\n"
        f"print(read_raw(Path({str(dark_dng)!r})).mosaic_dn.shape)"
    )
    assert python(code).stdout == "(80, 112)\n"
