"""What `batch` leaves alone, and what it says of it: files of others, earlier failures, folders without work."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.cli.test_batch import darkdiff, words

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:p="http://ns.adobe.com/photoshop/1.0/">
<xmp:Rating>3</xmp:Rating></rdf:Description></rdf:RDF></x:xmpmeta>"""


@pytest.fixture
def night(tmp_path: Path, shoot) -> Path:
    """Two dark raws and one that is broken."""
    folder = tmp_path / "night"
    for name in ("a", "b"):
        shoot(folder / f"{name}.dng", 100.0, 0.1)
    (folder / "broken.dng").write_bytes(b"no raw at all")
    return folder


def test_a_file_that_the_batch_did_not_make_is_kept_until_it_may_be_replaced(night: Path, model_folder: Path) -> None:
    foreign = night / "darkdiff" / "a_darkdiff.jpg"
    foreign.parent.mkdir()
    foreign.write_text("an hour in GIMP")
    sentence = f"{foreign}: is kept, since this batch did not make it; move it away, or add --overwrite to replace it."
    count = "1 of the failed would replace other files: move these away, or --overwrite replaces them."
    for more in ((), ("--seed", 1)):  # with other settings too
        done = darkdiff(*words(night, model_folder, "--exclude", "broken*", *more))
        assert (done.exit_code, done.stdout) == (1, "b_darkdiff.jpg\n")
        assert done.stderr.splitlines()[:3] == [f"darkdiff: {sentence}", "1 done, 1 failed, 0 skipped", count]
        assert foreign.read_text() == "an hour in GIMP"
    assert sentence.removeprefix(str(foreign)) in (night / "darkdiff" / "darkdiff-report.html").read_text()
    dry = darkdiff(*words(night, model_folder, "--seed", 2, "--dry-run"))
    assert (dry.exit_code, "a_darkdiff.jpg" in dry.stdout, sentence in dry.stderr) == (1, False, True)
    done = darkdiff(*words(night, model_folder, "--exclude", "broken*", "--overwrite"))
    assert (done.exit_code, done.stdout.split()) == (0, ["a_darkdiff.jpg", "b_darkdiff.jpg"])
    again = darkdiff(*words(night, model_folder, "--exclude", "broken*", "--seed", 3))
    assert (again.exit_code, again.stdout.split()) == (0, ["a_darkdiff.jpg", "b_darkdiff.jpg"])  # it is ours now


def test_photos_of_two_folders_do_not_replace_each_other(
    night: Path, tmp_path: Path, shoot, model_folder: Path
) -> None:
    second, photos = tmp_path / "second camera", tmp_path / "photos"
    shoot(second / "a.dng", 50.0, 0.1)
    assert darkdiff(*words(night, model_folder, "-o", photos, "--include", "a.dng")).exit_code == 0
    before = (photos / "a_darkdiff.jpg").read_bytes()
    done = darkdiff(*words(second, model_folder, "-o", photos))
    assert (done.exit_code, (photos / "a_darkdiff.jpg").read_bytes()) == (1, before)
    assert f"a_darkdiff.jpg: is kept, since it was made of {night / 'a.dng'}; give another folder" in done.stderr
    assert darkdiff(*words(second, model_folder, "-o", photos, "--overwrite")).exit_code == 0
    assert (photos / "a_darkdiff.jpg").read_bytes() != before


def test_a_later_run_says_what_failed_before_and_how_to_try_again(night: Path, model_folder: Path) -> None:
    assert darkdiff(*words(night, model_folder)).exit_code == 1
    again = darkdiff(*words(night, model_folder))
    assert again.exit_code == 0
    assert again.stderr.splitlines()[:2] == [
        "0 done, 0 failed, 3 skipped",
        "1 of the skipped failed in an earlier run: --retry-failed tries again.",
    ]
    found = json.loads(darkdiff(*words(night, model_folder, "--json")).stdout)
    assert (found["skipped"], found["failed_before"]) == (3, 1)
    assert "earlier run" not in darkdiff(*words(night, model_folder, "--retry-failed")).stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--devices", "cpu,cuda:99"), "cuda:99"),
        (("--model", "nowhere"), "nowhere"),
        (("--views", "99"), "views"),
        (("--tile", "30x7"), "tile"),
    ],
)
def test_a_dry_run_refuses_what_the_run_would_refuse(night: Path, model_folder: Path, options, sentence) -> None:
    real, dry = (darkdiff(*words(night, model_folder), *options, *more) for more in ((), ("--dry-run",)))
    assert (dry.exit_code, dry.stdout, dry.stderr) == (2, "", real.stderr)
    assert sentence in dry.stderr
    assert not (night / "darkdiff").exists()


def test_a_dry_run_is_json_where_that_is_asked_for(night: Path, model_folder: Path) -> None:
    assert darkdiff(*words(night, model_folder, "--exclude", "b.dng")).exit_code == 1
    dry = darkdiff(*words(night, model_folder, "--dry-run", "--json"))
    photo = str(night / "darkdiff" / "b_darkdiff.jpg")
    assert json.loads(dry.stdout) == {
        "to_do": [{"source": "b.dng", "output": photo}],
        "failed": [],
        "skipped": 2,
        "failed_before": 1,
        "left_out": 0,
        "outdated": 0,
    }
    assert dry.exit_code == 0


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ((), "holds no raw files; give the folder that holds them, or add --recursive if they are in subfolders."),
        (("-r", "--dry-run"), "holds no raw files; give the folder that holds them."),
    ],
)
def test_a_folder_without_raws_is_wrong_use(tmp_path: Path, more: tuple[str, ...], sentence: str) -> None:
    (tmp_path / "notes.txt").touch()
    done = darkdiff("batch", tmp_path, *more)
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"darkdiff: {tmp_path}: {sentence}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_patterns_that_leave_nothing_are_wrong_use(night: Path) -> None:
    done = darkdiff("batch", night, "--include", "*.ARV", "--exclude", "b*")
    said = f"{night}: none of its 3 raw files passes --include *.ARV and --exclude b*; check the patterns."
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"darkdiff: {said}\n")
    assert not (night / "darkdiff").exists()


def test_patterns_match_whatever_the_case(night: Path, model_folder: Path) -> None:
    (night / "C.DNG").write_bytes((night / "a.dng").read_bytes())
    dry = darkdiff(*words(night, model_folder, "--dry-run", "--include", "C.dng", "--include", "A.*"))
    assert [line.split(" -> ")[0] for line in dry.stdout.splitlines()] == ["C.DNG", "a.dng"]


def test_photos_that_have_no_place_are_one_sentence(night: Path, model_folder: Path) -> None:
    done = darkdiff(*words(night, model_folder, "-o", "/proc/photos"))
    said = "/proc/photos: cannot be written (No such file or directory); choose another folder."
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"darkdiff: {said}\n")


def test_a_locked_card_is_one_sentence_before_the_model_is_loaded() -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from darkdiff_cli.commands.batch_options import FolderOutputOptions\n"
        "os.getuid() or os.setuid(65534)  # root may write everywhere\n"
        "FolderOutputOptions().root(Path(sys.argv[1]))"
    )
    with tempfile.TemporaryDirectory() as card:
        Path(card).chmod(0o555)
        done = subprocess.run([sys.executable, "-c", code, card], capture_output=True, text=True, check=False)
    said = f"{card}/darkdiff: cannot be written to; give another folder with -o."
    assert done.stderr.splitlines()[-1] == f"darkdiff_cli.errors.SettingsError: {said}"


def test_photos_that_are_older_than_a_sidecar_are_counted(night: Path, shoot, model_folder: Path) -> None:
    (night / "broken.dng").unlink()
    shoot(night / "c.dng", 100.0, 0.1)
    (night / "a.dng.xmp").write_text(XMP)  # there from the start
    darkdiff(*words(night, model_folder))
    later = (night / "darkdiff" / "a_darkdiff.jpg").stat().st_mtime + 2
    other = XMP.replace("<xmp", "<p:SidecarForExtension>NEF</p:SidecarForExtension><xmp")  # of an a.nef
    for name, text in {"a.xmp": other, "b.xmp": XMP, "c.dng.XMP": XMP}.items():
        (night / name).write_text(text)
        os.utime(night / name, (later, later))
    (night / "lost.xmp").symlink_to("nowhere")
    sentence = "2 of the skipped have a sidecar that is newer than the photo: --overwrite makes photos again."
    for more in ((), ("--dry-run",)):
        again = darkdiff(*words(night, model_folder, *more))
        assert (again.exit_code, sentence in again.stderr.splitlines()) == (0, True)
        assert json.loads(darkdiff(*words(night, model_folder, "--json", *more)).stdout)["outdated"] == 2
    assert "newer" not in darkdiff(*words(night, model_folder, "--overwrite")).stderr
