"""The exposure that a folder shares: which frame decides, and when it is measured again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from darkdiff_cli.batch.exposure_lock import NAME, SAMPLE, ExposureLock, lock_exposure
from darkdiff_cli.batch.jobs import Job, find_jobs
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.raw import ExposureSettings, read_exposure

AUTO = ExposureSettings()
TIMEOUT = 120.0


@pytest.fixture
def lapse(tmp_path: Path, shoot) -> Path:
    """Five frames of a dusk: each got less light, under another white balance."""
    for number, ratio in enumerate((4.0, 8.0, 20.0, 60.0, 150.0)):
        shoot(tmp_path / f"{number}.dng", ratio, 0.1, balance=(2.0 - 0.1 * number, 1.0, 1.5 + 0.1 * number))
    return tmp_path


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, shoot) -> tuple[Path, ExposureLock, str]:
    """A folder of three frames, its lock, and what is stored of that; for tests that change nothing but the stored."""
    folder = tmp_path_factory.mktemp("measured")
    for number, ratio in enumerate((4.0, 20.0, 150.0)):
        shoot(folder / f"{number}.dng", ratio, 0.1)
    return folder, lock_of(folder), (folder / "out" / NAME).read_text()


def jobs_of(folder: Path) -> list[Job]:
    return find_jobs(folder, folder / "out", ".jpg")


def lock_of(folder: Path, settings: ExposureSettings = AUTO, anew: bool = False, store: bool = True) -> ExposureLock:
    lock = lock_exposure(jobs_of(folder), folder / "out", settings, TIMEOUT, anew, store)
    assert lock is not None
    return lock


def test_the_median_frame_decides(lapse: Path) -> None:
    lock = lock_of(lapse)
    middle = read_exposure(lapse / "2.dng", AUTO)
    assert lock == ExposureLock("2.dng", middle.ratio, middle.frame.white_balance, 16383.0 - 512.0, 5)
    assert lock.white_balance == pytest.approx((1.8, 1.0, 1.7), abs=1e-3)


def test_every_frame_is_developed_alike(lapse: Path) -> None:
    locked = lock_of(lapse).applied(ExposureSettings(ev=1.0))
    assert (locked.white, locked.ev) == ("file", 1.0)
    exposures = [read_exposure(job.source, locked) for job in jobs_of(lapse)]
    assert len({exposure.ratio for exposure in exposures}) == 1
    assert exposures[0].ratio == 2 * read_exposure(lapse / "2.dng", AUTO).ratio
    assert {exposure.frame.white_balance for exposure in exposures} == {locked.wb}
    assert {exposure.frame.white_level for exposure in exposures} == {16383.0}


def test_a_sensor_that_clips_early_does_so_in_every_frame(tmp_path: Path, shared: Path) -> None:
    """Only one of three frames has something clipped in it; it tells where the others would clip."""
    field = shared / "raws" / "field"
    for number, name in enumerate(("reference_noclip", "sat12500_x1", "reference_mcm12_x100")):
        (tmp_path / f"{number}.dng").write_bytes((field / f"{name}.dng").read_bytes())
    lock = lock_of(tmp_path)
    assert (lock.source, lock.saturation) == ("2.dng", pytest.approx(12500 - 512, abs=20))
    frames = [read_exposure(job.source, lock.applied(AUTO)).frame for job in jobs_of(tmp_path)]
    assert {frame.white_level - frame.black_level.mean for frame in frames} == {lock.saturation}


def test_exposure_compensation_is_not_counted_twice(lapse: Path) -> None:
    assert lock_of(lapse, ExposureSettings(ev=2.0), store=False).ratio == lock_of(lapse, store=False).ratio


def test_a_given_ratio_stays(lapse: Path) -> None:
    assert lock_of(lapse, ExposureSettings(ratio=77.0)).ratio == 77.0


def test_the_stored_lock_holds_for_a_folder_that_has_grown(lapse: Path, shoot) -> None:
    first = lock_of(lapse)
    for number in range(4):
        shoot(lapse / f"later{number}.dng", 150.0, 0.1)
    assert lock_of(lapse) == first
    anew = lock_of(lapse, anew=True)
    assert anew.ratio > first.ratio
    assert lock_of(lapse) == anew  # the new one is the stored one


def test_it_is_measured_again_where_its_settings_change(lapse: Path) -> None:
    first = lock_of(lapse)
    given = lock_of(lapse, replace(AUTO, wb=(3.0, 1.0, 1.0)))
    assert given.white_balance == (3.0, 1.0, 1.0) != first.white_balance
    assert lock_of(lapse, replace(AUTO, wb=(3.0, 1.0, 1.0), ev=1.0, white="file")) == given
    assert json.loads((lapse / "out" / NAME).read_text())["lock"]["white_balance"] == [3.0, 1.0, 1.0]


def test_a_dry_run_writes_nothing(lapse: Path) -> None:
    lock_of(lapse, store=False)
    assert not (lapse / "out").exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"settings": 1, "lock": {}}', "[" * 100_000])
def test_a_torn_file_is_measured_again(measured: tuple[Path, ExposureLock, str], text: str) -> None:
    folder, lock, whole = measured
    (folder / "out" / NAME).write_text(text)
    assert lock_of(folder) == lock
    assert (folder / "out" / NAME).read_text() == whole


@pytest.mark.parametrize(
    ("name", "value"),
    [("ratio", "x"), ("ratio", []), ("ratio", 10**400), ("ratio", 0), ("saturation", -1.0), ("white_balance", [1, 2]),
     ("white_balance", [1, 10**400, 1]), ("sampled", None), ("source", 7), ("more", 1)],
)  # fmt: skip
def test_a_lock_of_odd_values_is_measured_again(
    measured: tuple[Path, ExposureLock, str], name: str, value: object
) -> None:
    folder, lock, whole = measured
    stored = json.loads(whole)
    stored["lock"][name] = value
    (folder / "out" / NAME).write_text(json.dumps(stored))
    assert lock_of(folder) == lock
    assert (folder / "out" / NAME).read_text() == whole


def test_broken_frames_are_passed_over(lapse: Path) -> None:
    for number in (0, 1):
        (lapse / f"{number}.dng").write_bytes(b"no raw")
    lock = lock_of(lapse)
    assert (lock.source, lock.sampled) == ("3.dng", 3)


def test_where_the_sample_is_broken_the_first_readable_frame_decides(tmp_path: Path, shoot) -> None:
    for number in range(2 * SAMPLE):
        (tmp_path / f"{number:03d}.dng").write_bytes(b"no raw")
    assert lock_exposure(jobs_of(tmp_path), tmp_path / "out", AUTO, TIMEOUT, False, True) is None
    assert not (tmp_path / "out").exists()
    shoot(tmp_path / "000.dng", 20.0, 0.1)
    assert lock_of(tmp_path).source == "000.dng"


def test_the_sample_is_spread_over_the_folder(tmp_path: Path, shoot) -> None:
    """61 frames that get darker: the median of the sample is the median of the folder."""
    frames = [shoot(tmp_path / "raw" / f"{ratio}.dng", ratio, 0.1) for ratio in (10.0, 40.0, 200.0)]
    (tmp_path / "lapse").mkdir()
    for number in range(61):
        source = frames[0] if number < 25 else frames[1] if number < 36 else frames[2]
        (tmp_path / "lapse" / f"{number:03d}.dng").hardlink_to(source)
    lock = lock_of(tmp_path / "lapse")
    assert (lock.sampled, lock.ratio) == (SAMPLE, read_exposure(frames[1], AUTO).ratio)


def test_two_cameras_are_refused(lapse: Path, shared: Path) -> None:
    (lapse / "phone.dng").write_bytes((shared / "raws" / "field" / "reference_wall.dng").read_bytes())
    with pytest.raises(SettingsError, match=r"holds raws of .*Pixel 6 and Sony ILCE-7SM2, which"):
        lock_of(lapse)
    assert not (lapse / "out").exists()
