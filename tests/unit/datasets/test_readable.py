"""A set with a file that cannot be used: the others take its place, and it is named."""

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest
import torch

from darkdiff_cli.datasets import PhotoPairs, RawPair, RawPairs, SynthesisSettings, collate
from darkdiff_cli.datasets.raws import CleanRaws
from darkdiff_cli.datasets.scene import Form
from darkdiff_cli.errors import InputError
from tests.unit.raw.lossy_dng import write_lossy_dng

DARK = SynthesisSettings(ratio_range=(100.0, 300.0), bright_share=0.0)
FORM = ("srgb", "lrgb-srgb")


@pytest.fixture
def photos(photo_folder: Path, tmp_path: Path) -> Path:
    """A copy in which one photograph has lost its second half."""
    folder = Path(shutil.copytree(photo_folder, tmp_path / "photos"))
    broken = folder / "05.png"
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    return folder


def test_a_broken_photograph_is_named_and_another_one_drawn(photos: Path, photo_folder: Path) -> None:
    whole, mended, again = (PhotoPairs(folder, DARK, 32) for folder in (photo_folder, photos, photos))
    drawn = [index for index in range(80) if whole[index].names[0].startswith("05.png")]
    assert drawn
    for index in range(80):
        pair = mended[index]
        assert not pair.names[0].startswith("05.png")
        if index in drawn:
            assert len(pair.notes) == 1
            assert pair.notes[0].startswith(f"left out of the training: {photos / '05.png'}: cannot be decoded")
            assert torch.equal(again[index].noisy, pair.noisy)  # whoever has met the file before, or not
        else:
            assert pair.notes == ()
            assert torch.equal(whole[index].noisy, pair.noisy)


def test_a_photograph_that_is_gone_stops_the_run(photos: Path) -> None:
    """Its drive may be gone: going on with the rest would be another training."""
    data = PhotoPairs(photos, DARK, 32)
    (photos / "05.png").unlink()
    with pytest.raises(InputError, match=r"05\.png"):
        [data[index] for index in range(80)]


@pytest.mark.skipif(os.name == "nt", reason="there are no named pipes in folders")
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/null")])
def test_what_is_no_file_among_photographs_and_raws_is_left_out(make, photo_folder, shoot, cache, tmp_path) -> None:
    photos = Path(shutil.copytree(photo_folder, tmp_path / "photos"))
    (photos / "05.png").unlink()
    for number in (0, 1):
        shoot(tmp_path / "mine" / f"{number}.dng", 1.0, 1.0)
    sets = {
        photos / "05.png": PhotoPairs(photo_folder, DARK, 32),
        tmp_path / "mine" / "2.dng": CleanRaws(tmp_path / "mine", DARK, 16, 0, "train", Form(), cache),
    }
    for path, data in sets.items():
        make(path)
        data.paths = [path, *data.paths[:1]]
        notes = {note for index in range(8) for note in data[index].notes}
        assert notes == {
            f"left out of the training: {path}: is a folder, a device or a pipe, and no file; take it out of the set."
        }


def test_a_set_of_broken_photographs_stops_the_run(photos: Path) -> None:
    for path in photos.glob("*.png"):
        path.write_bytes(b"no picture")
    with pytest.raises(
        InputError,
        match=r"10 draws in a row, of \d files, gave none .*cannot be decoded",
    ):
        PhotoPairs(photos, DARK, 32)[0]


def test_the_next_pair_comes_in_the_place_of_a_broken_one(shoot, tmp_path: Path, cache) -> None:
    clean = shoot(tmp_path / "clean.dng", 1.0, 1.0)
    pairs = [RawPair(shoot(tmp_path / f"{n}.dng", 10.0, 0.1), clean, f"scene{n}", 10.0) for n in range(4)]
    pairs[2].noisy.write_bytes(pairs[2].noisy.read_bytes()[:2000])
    data = RawPairs(pairs, 16, 0, *FORM, cache)
    made = [data[index] for index in range(4)]
    names = Counter(pair.names[0].split()[0] for pair in made)
    assert "scene2" not in names
    assert sorted(names.values()) == [1, 1, 2]
    [note] = [note for pair in made for note in pair.notes]
    assert note.startswith(f"left out of the training: {pairs[2].noisy}: ")
    assert collate(made).notes == (note,)


def test_own_raws_without_mosaic_are_left_out_and_damage_is_told(shoot, tmp_path: Path, cache) -> None:
    own = tmp_path / "mine"
    for number in range(3):
        shoot(own / f"{number}.dng", 1.0, 1.0)
    write_lossy_dng(own / "3.dng")
    data = CleanRaws(own, DARK, 16, 0, "train", Form(), cache)
    made = [data[index] for index in range(12)]
    assert {pair.names[0].split()[0] for pair in made} == {"1.dng", "2.dng"}
    assert {note.partition(", so")[0] for pair in made for note in pair.notes} == {
        f"left out of the training: {own / '3.dng'}: is demosaiced already"
    }
    damaged = write_lossy_dng(tmp_path / "damaged.dng", cut=2)
    pair = RawPairs([RawPair(damaged, damaged, "scene", 1.0)], 16, 0, *FORM, cache)[0]
    assert set(pair.notes) == {note for note in pair.notes if "damaged.dng: LibRaw found damage in it (" in note}
    assert pair.notes
