"""What a batch does again, and what it does not, by the model's weights on the disk."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

import darkdiff_models
from darkdiff_cli.batch.claims import Claims
from darkdiff_cli.batch.jobs import Job, find_jobs
from darkdiff_cli.batch.kept import as_named_before
from darkdiff_cli.batch.ledger import NAME, Entry, Ledger
from darkdiff_cli.batch.plan import KnownModel, Plan, identify_model, plan_batch
from darkdiff_cli.enhancer import EnhanceSettings
from darkdiff_cli.photo import PhotoSettings
from darkdiff_models.digest import model_digest
from tests.hub import COMMIT, serving

SETTINGS = EnhanceSettings()
TINY = Path(darkdiff_models.__file__).parent / "pretrained" / "tiny"


class Night:
    """A folder with a raw, its finished photo and the ledger that says so."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.job, self.model, self.ledger = Job(folder, "a.dng", folder, "a.jpg"), model, Ledger(folder)
        self.job.source.write_bytes(b"raw")
        [task] = self.plan().tasks
        self.job.output.write_bytes(b"photo")
        self.ledger.append(Entry(task.key, "a.dng", "a.jpg", "done"))

    def plan(self, settings: EnhanceSettings = SETTINGS, retry_failed: bool = False) -> Plan:
        weights = identify_model(str(self.model), self.ledger).digest
        return plan_batch([self.job], self.ledger, settings, weights, checksum=False, retry_failed=retry_failed)


@pytest.fixture
def night(model_folder: Path, tmp_path: Path) -> Night:
    return Night(tmp_path, Path(shutil.copytree(model_folder, tmp_path / "toy")))


def test_what_is_done_is_settled(night: Night) -> None:
    plan = night.plan()
    assert (plan.tasks, plan.settled, plan.lost) == ([], 1, [])
    again = night.plan(replace(SETTINGS, photo=PhotoSettings(overwrite=True)))
    assert len(again.tasks) == 1


def test_a_ledger_of_before_knows_its_photos_again(night: Night) -> None:
    """The key is one that was written before there were --quality and --long-side. Whoever changes it has every photo
    made again."""
    os.utime(night.job.source, (1, 1))
    key = "6023f98062f98ea57a2203950851e1b3"
    found = []
    for photo in (PhotoSettings(), PhotoSettings(quality=80), PhotoSettings(long_side=80)):
        settings = replace(SETTINGS, photo=photo)
        plan = plan_batch([night.job], night.ledger, settings, "tiny", checksum=False, retry_failed=False)
        found += [task.key for task in plan.tasks]
    assert found[0] == key
    assert len(set(found)) == 3
    night.ledger.append(Entry(key, "a.dng", "a.jpg", "done"))
    plan = plan_batch([night.job], night.ledger, SETTINGS, "tiny", checksum=False, retry_failed=False)
    assert (plan.tasks, plan.settled) == ([], 1)


def test_the_photo_of_a_killed_run_is_made_again_and_that_of_somebody_else_is_kept(night: Night) -> None:
    (night.job.root / NAME).unlink()
    night.ledger = Ledger(night.job.root)
    plan = night.plan()
    assert (plan.tasks, plan.kept) == ([], 1)
    [entry] = plan.lost
    assert (entry.source, entry.status) == ("a.dng", "failed")
    assert str(entry.error).startswith(f"{night.job.output}: is kept")
    [task] = night.plan(replace(SETTINGS, photo=PhotoSettings(overwrite=True))).tasks
    assert Claims(night.job.root, night.ledger).take(task) == "ours"  # and is killed before the line is in the ledger
    assert night.plan().tasks == [replace(task, overwrite=False)]


def test_a_photo_of_a_raw_in_another_folder_is_kept_while_that_raw_is_there(night: Night, tmp_path: Path) -> None:
    """Two cameras count alike, and their photos go into one folder."""
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(night.job.source, other / "a.dng")
    [task] = night.plan(replace(SETTINGS, photo=PhotoSettings(overwrite=True))).tasks
    night.ledger.append(Entry(task.key, "a.dng", "a.jpg", "done", folder=str(tmp_path)))
    os.utime(other / "a.dng", (1, 1))
    night.job = replace(night.job, folder=other)
    [entry] = night.plan().lost
    assert str(entry.error).startswith(f"{night.job.output}: is kept, since it was made of {tmp_path / 'a.dng'};")
    (tmp_path / "a.dng").unlink()  # the folder was moved
    assert [task.job for task in night.plan().tasks] == [night.job]


def test_a_folder_in_the_place_of_a_photo_is_kept(night: Night) -> None:
    night.job.output.unlink()
    night.job.output.mkdir()
    [entry] = night.plan().lost
    assert entry.error == f"{night.job.output}: is a folder, which is kept; move it away."


def test_a_photo_of_a_raw_that_is_away_is_kept_unless_its_folder_was_moved(night: Night, tmp_path: Path) -> None:
    """A card that was taken out, and another with the same name on it; and two raws that differ by their suffix."""
    state = night.job.state(checksum=False)
    card, (first,) = tmp_path / "card", night.plan(replace(SETTINGS, photo=PhotoSettings(overwrite=True))).tasks
    made = Entry(first.key, "a.dng", "a.jpg", "done", folder=str(card), state=state)
    night.ledger.append(made)
    assert night.plan().settled == 1  # the same raw: its folder was moved
    night.ledger.append(replace(made, key="other settings"))
    assert [task.job for task in night.plan().tasks] == [night.job]
    night.ledger.append(replace(made, key="another raw", state="7|7"))
    [entry] = night.plan().lost
    assert str(entry.error).startswith(f"{night.job.output}: is kept, since it was made of {card / 'a.dng'};")
    night.ledger.append(replace(made, key="another suffix", folder=str(night.job.folder), source="a.raf"))
    [entry] = night.plan().lost
    assert "is kept, since it was made of" in str(entry.error)
    night.ledger.append(replace(made, key="changed in its place", folder=str(night.job.folder), state="7|7"))
    assert [task.job for task in night.plan().tasks] == [night.job]


def test_a_raw_or_a_setting_that_comes_back_gets_its_photo_back(night: Night) -> None:
    first = night.job.source.stat()
    brighter = replace(SETTINGS, exposure=replace(SETTINGS.exposure, ratio=30.0))
    for settings, time in ((brighter, first.st_mtime_ns), (SETTINGS, 1)):  # other settings; then another raw
        os.utime(night.job.source, ns=(time, time))
        [task] = night.plan(settings).tasks
        night.ledger.append(Entry(task.key, "a.dng", "a.jpg", "done", folder=str(night.job.folder)))
        assert night.plan(settings).settled == 1
        os.utime(night.job.source, ns=(first.st_mtime_ns, first.st_mtime_ns))
        [again] = night.plan().tasks
        night.ledger.append(Entry(again.key, "a.dng", "a.jpg", "done", folder=str(night.job.folder)))
        assert night.plan().settled == 1


def test_a_raw_of_another_folder_with_the_same_name_size_and_time_is_another(night: Night, tmp_path: Path) -> None:
    [task] = night.plan(replace(SETTINGS, photo=PhotoSettings(overwrite=True))).tasks
    night.ledger.append(Entry(task.key, "a.dng", "a.jpg", "done", folder=str(tmp_path)))
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy2(night.job.source, other / "a.dng")
    night.job = replace(night.job, folder=other)
    [entry] = night.plan().lost
    assert str(entry.error).startswith(f"{night.job.output}: is kept, since it was made of {tmp_path / 'a.dng'};")
    (tmp_path / "a.dng").unlink()  # the folder was moved
    assert night.plan().settled == 1


def test_a_photo_that_could_not_be_made_anew_is_still_the_batchs_own(night: Night) -> None:
    [task] = night.plan(replace(SETTINGS, photo=PhotoSettings(overwrite=True))).tasks
    night.ledger.append(Entry(task.key, "a.dng", "a.jpg", "failed", "out of memory"))
    plan = night.plan()
    assert (plan.settled, plan.failed_before, plan.kept) == (1, 1, 0)
    [again] = night.plan(retry_failed=True).tasks
    assert again.key == task.key


def test_photos_of_retrained_weights_are_made_again(night: Night) -> None:
    path = night.model / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    weights["conv_out.bias"][0] += 0.01
    save_file(weights, path)
    assert len(night.plan().tasks) == 1


def test_a_moved_model_makes_nothing_again(night: Night) -> None:
    night.model = night.model.rename(night.model.with_name("other"))
    assert night.plan().settled == 1


def test_a_raw_that_vanished_is_lost(night: Night) -> None:
    night.job.source.unlink()
    [entry] = night.plan().lost
    assert entry.status == "failed"
    assert "is not there any more" in str(entry.error)


def test_a_batch_keeps_the_revision_of_the_hub_that_it_began_with(model_folder: Path, tmp_path: Path) -> None:
    newer = Path(shutil.copytree(model_folder, tmp_path / "newer"))
    index = newer / "model_index.json"
    index.write_text(index.read_text().replace('"default_steps": 2', '"default_steps": 3'))
    ledger, other = Ledger(tmp_path), Ledger(tmp_path / "other")
    with serving(model_folder, tmp_path / "cache") as hub:
        began = identify_model("here/toy", ledger)
        assert began == KnownModel(f"here/toy@{COMMIT}", model_digest(model_folder))
        ledger.append(Entry("1", "a.dng", "a.jpg", "done", model=began.name))
        ledger.append(Entry("2", "b.dng", "b.jpg", "failed", "broken"))
        hub.publish("f" * 40, newer)
        new = KnownModel("here/toy@" + "f" * 40, model_digest(newer))
        assert identify_model("here/toy", ledger) == replace(began, pinned=True)
        assert identify_model("here/toy", other) == new
        assert identify_model("here/toy@main", ledger) == new
        ledger.append(Entry("3", "c.dng", "c.jpg", "done", model=new.name))
        assert identify_model("here/toy", Ledger(tmp_path)) == replace(new, pinned=True)
        assert identify_model("here/nothing", ledger) == KnownModel("here/nothing", "here/nothing")


def test_a_bundled_model_is_identified_by_its_content(tmp_path: Path) -> None:
    assert identify_model("tiny", Ledger(tmp_path)) == KnownModel("tiny", model_digest(TINY))


def test_a_model_whose_files_are_out_of_reach_is_left_to_the_worker_to_refuse(model_folder, tmp_path: Path) -> None:
    model = Path(shutil.copytree(model_folder, tmp_path / "toy"))
    (model / "unet" / "other.safetensors").mkdir()
    assert identify_model(str(model), Ledger(tmp_path)) == KnownModel(str(model), str(model))


@pytest.mark.parametrize("kind", ["empty", "link"])
def test_a_photo_that_is_none_any_more_is_made_again(kind: str, night: Night) -> None:
    [task] = night.plan(replace(SETTINGS, photo=PhotoSettings(overwrite=True))).tasks
    night.ledger.append(Entry(task.key, "a.dng", "a.jpg", "done", folder=str(night.job.folder)))
    night.job.output.write_bytes(b"photo")
    assert night.plan().settled == 1
    night.job.output.unlink()
    if kind == "empty":
        night.job.output.touch()
    else:
        night.job.output.symlink_to(night.job.source)
    assert [task.job for task in night.plan().tasks] == [night.job]


def names(folder: Path, ledger: Ledger) -> dict[str, str]:
    found = find_jobs(folder, folder / "out", ".jpg", recursive=True)
    return {job.relative: job.photo for job in as_named_before(found, ledger)}


def made_before(folder: Path, **photos: str) -> Ledger:
    """A ledger of photos by raw (a_dng="a.jpg" is of a.dng), which are there."""
    ledger = Ledger(folder / "out")
    (folder / "out").mkdir()
    for raw, photo in photos.items():
        (folder / "out" / photo).write_bytes(b"photo")
        ledger.append(Entry(photo, raw.replace("_", "."), photo, "done", folder=str(folder.resolve())))
    return Ledger(folder / "out")


def raws(folder: Path, *found: str) -> None:
    for name in found:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"raw")


def test_a_raw_that_comes_beside_another_renames_no_photo(tmp_path: Path) -> None:
    raws(tmp_path, "a.dng", "a.nef", "b.dng")
    ledger = made_before(tmp_path, a_dng="a_darkdiff.jpg")
    assert names(tmp_path, ledger) == {
        "a.dng": "a_darkdiff.jpg", "a.nef": "a_nef_darkdiff.jpg", "b.dng": "b_darkdiff.jpg",
    }  # fmt: skip
    (tmp_path / "a.nef").unlink()
    assert names(tmp_path, ledger)["a.dng"] == "a_darkdiff.jpg"


def test_a_raw_whose_twin_has_gone_keeps_its_name(tmp_path: Path) -> None:
    raws(tmp_path, "a.dng")
    ledger = made_before(tmp_path, a_dng="a_dng_darkdiff.jpg", a_nef="a_nef_darkdiff.jpg")
    assert names(tmp_path, ledger) == {"a.dng": "a_dng_darkdiff.jpg"}


def test_a_name_is_not_kept_that_is_not_free(tmp_path: Path) -> None:
    """Of a photo that has been deleted, of another format, and where another raw has that name by now."""
    raws(tmp_path, "a.dng", "a.nef", "b.dng", "b.nef", "c.dng", "C_DNG.nef")
    ledger = made_before(tmp_path, a_dng="a_darkdiff.jpg", b_dng="b_darkdiff.tif", c_dng="c_dng_darkdiff.jpg")
    (tmp_path / "out" / "a_darkdiff.jpg").unlink()
    assert names(tmp_path, ledger) == {
        "a.dng": "a_dng_darkdiff.jpg", "a.nef": "a_nef_darkdiff.jpg", "b.dng": "b_dng_darkdiff.jpg",
        "b.nef": "b_nef_darkdiff.jpg", "c.dng": "c_darkdiff.jpg", "C_DNG.nef": "C_DNG_darkdiff.jpg",
    }  # fmt: skip
