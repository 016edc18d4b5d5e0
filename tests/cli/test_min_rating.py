"""`batch --min-rating` as a user runs it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_batch import darkdiff
from tests.cli.test_watch import until
from tests.unit.raw.metadata.test_rating import sidecar

STARS = {"a": 5, "b": 3, "c": 2, "d": -1, "e": None}


@pytest.fixture
def night(tmp_path: Path, shoot) -> Path:
    """Five raws, the brighter the better they are rated, one of them rejected and one without a sidecar."""
    for number, (name, stars) in enumerate(STARS.items()):
        shoot(tmp_path / f"{name}.dng", 10.0 * 2**number, 0.1)
        if stars is not None:
            sidecar(tmp_path / f"{name}.xmp", stars)
    return tmp_path


def words(night: Path, model: Path, *more: object) -> tuple[object, ...]:
    return ("batch", night, "--model", model, "--ratio", 100, *more)


def test_the_others_are_left_out_and_counted(night: Path, model_folder: Path) -> None:
    given = words(night, model_folder, "--min-rating", 3)
    dry = darkdiff(*given, "--dry-run")
    assert dry.exit_code == 0, dry.stderr
    assert [line.split(" -> ")[0] for line in dry.stdout.splitlines()] == ["a.dng", "b.dng"]
    assert dry.stderr.splitlines() == ["2 to do, 0 failed, 0 skipped", "3 left out: not rated, or below 3"]
    done = darkdiff(*given)
    assert done.exit_code == 0, done.stderr
    assert [Path(line).name for line in done.stdout.splitlines()] == ["a_darkdiff.jpg", "b_darkdiff.jpg"]
    assert done.stderr.splitlines()[-3:-1] == ["2 done, 0 failed, 0 skipped", "3 left out: not rated, or below 3"]


def test_json_counts_them_and_a_raw_that_is_rated_later_is_made_by_the_next_run(
    night: Path, model_folder: Path
) -> None:
    given = words(night, model_folder, "--min-rating", 3, "--json")
    assert json.loads(darkdiff(*given, "--dry-run").stdout)["left_out"] == 3
    first = json.loads(darkdiff(*given).stdout)
    assert ([entry["source"] for entry in first["done"]], first["left_out"]) == (["a.dng", "b.dng"], 3)
    sidecar(night / "e.xmp", 4)
    sidecar(night / "a.xmp", 1)
    second = json.loads(darkdiff(*given).stdout)
    assert [entry["source"] for entry in second["done"]] == ["e.dng"]
    assert (second["skipped"], second["left_out"], second["failed"]) == (1, 3, [])
    assert (night / "darkdiff" / "a_darkdiff.jpg").exists()  # its photo stays


def test_a_folder_without_stars_enough_is_nothing_to_work_on(night: Path, model_folder: Path) -> None:
    (night / "a.xmp").unlink()
    done = darkdiff(*words(night, model_folder, "--min-rating", 4))
    sentence = f"darkdiff: {night}: none of its 5 raw files passes --min-rating 4; rate some, or give less.\n"
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", sentence)
    assert not (night / "darkdiff").exists()


def test_the_exposure_is_locked_to_those_that_are_taken(night: Path, model_folder: Path) -> None:
    given = ("batch", night, "--model", model_folder, "--lock-exposure", "--dry-run")
    found = darkdiff(*given).stderr, darkdiff(*given, "--min-rating", 3).stderr
    assert "exposure locked to c.dng, the median of 5:" in found[0]
    assert "exposure locked to b.dng, the median of 2:" in found[1]


def test_names_of_photos_do_not_depend_on_ratings(night: Path, model_folder: Path) -> None:
    (night / "a.NEF").write_bytes(b"no raw")
    sidecar(night / "a.NEF.xmp", 0)
    dry = darkdiff(*words(night, model_folder, "--min-rating", 5, "--dry-run"))
    assert dry.stdout == f"a.dng -> {night / 'darkdiff' / 'a_dng_darkdiff.jpg'}\n"


@pytest.mark.parametrize("stars", ["0", "6", "many"])
def test_stars_are_one_to_five(stars: str, night: Path) -> None:
    done = darkdiff("batch", night, "--min-rating", stars)
    assert done.exit_code == 2
    assert "--min-rating: must be" in done.stderr


def test_a_watch_takes_what_is_rated_while_it_runs(night: Path, model_folder: Path) -> None:
    """With a second instead of ten between two looks at a raw that has too few stars."""
    given = words(night, model_folder, "--min-rating", 4, "--watch", "--device", "cpu")
    code = "from darkdiff_cli.batch import arrivals; arrivals.UNRATED = 1.0; from darkdiff_cli.app import main; main()"
    command = [sys.executable, "-c", code, *map(str, given)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        until(night / "darkdiff" / "a_darkdiff.jpg", process)
        sidecar(night / "d.xmp", 4)
        until(night / "darkdiff" / "d_darkdiff.jpg", process)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert [Path(line).name for line in stdout.splitlines()] == ["a_darkdiff.jpg", "d_darkdiff.jpg"]
    assert "2 done, 0 failed, 0 skipped\n3 left out: not rated, or below 4\n" in stderr
    assert "was not done before" not in stderr


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_raw_that_is_left_out_for_a_broken_sidecar_is_named(
    more: tuple[str, ...], night: Path, model_folder: Path
) -> None:
    (night / "c.xmp").write_text('<x:xmpmeta xmp:Rating="5"')
    sentence = (
        "darkdiff: c.dng: the sidecar c.xmp cannot be read (unclosed token: line 1, column 0), so it does not count."
    )
    done = darkdiff(*words(night, model_folder, "--min-rating", 5, *more))
    assert (done.exit_code, done.stderr.splitlines().count(sentence)) == (0, 1)
    (night / "a.xmp").unlink()
    done = darkdiff(*words(night, model_folder, "--min-rating", 4, *more))
    assert (done.exit_code, done.stderr.splitlines()[0]) == (2, sentence)
