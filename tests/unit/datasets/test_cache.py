import multiprocessing
import os
import shutil

import numpy as np
import pytest

from darkdiff_cli.datasets import MosaicCache
from darkdiff_cli.errors import InputError
from darkdiff_cli.raw import read_raw
from tests.unit.raw.lossy_dng import write_lossy_dng


def assert_same(first, second) -> None:
    assert np.array_equal(first.mosaic_dn, second.mosaic_dn)
    for name in ("cfa", "black_level", "white_level", "white_balance", "orientation", "path"):
        assert getattr(first, name) == getattr(second, name)
    assert np.allclose(first.srgb_from_camera, second.srgb_from_camera)
    assert first.metadata.iso == second.metadata.iso
    assert first.metadata.exposure_time == second.metadata.exposure_time


def test_a_frame_comes_back_as_it_was_read(dark_dng, cache) -> None:
    fresh = cache.read(dark_dng)
    mapped = cache.read(dark_dng)
    assert isinstance(mapped.mosaic_dn, np.memmap)
    assert not mapped.mosaic_dn.flags.writeable
    assert_same(mapped, fresh)
    assert_same(mapped, read_raw(dark_dng))


def test_what_libraw_said_of_a_damaged_file_comes_back_with_it(cache, tmp_path) -> None:
    path = write_lossy_dng(tmp_path / "cut.dng", cut=2)
    fresh, mapped = cache.read(path), cache.read(path)
    assert isinstance(mapped.mosaic_dn, np.memmap)
    assert mapped.notes == fresh.notes == read_raw(path).notes
    assert any(note.startswith("LibRaw found damage in it (") for note in mapped.notes)


def test_a_copy_is_not_decoded_again(dark_dng, cache, tmp_path) -> None:
    cache.read(dark_dng)
    copy = shutil.copy(dark_dng, tmp_path / "other name.dng")
    before = {path: path.stat().st_ino for path in cache.folder.glob("*.npy")}
    frame = cache.read(tmp_path / "other name.dng")
    assert {path: path.stat().st_ino for path in cache.folder.glob("*.npy")} == before
    assert str(frame.path) == str(copy)


def test_a_changed_file_is_read_anew(shoot, cache, tmp_path) -> None:
    path = shoot(tmp_path / "a.dng", 100.0, 0.1)
    before = cache.read(path).mosaic_dn.copy()
    shoot(path, 10.0, 0.1)
    assert not np.array_equal(cache.read(path).mosaic_dn, before)


def test_a_torn_entry_is_made_again(dark_dng, cache) -> None:
    whole = cache.read(dark_dng).mosaic_dn.copy()
    [entry] = cache.folder.glob("*.npy")
    entry.write_bytes(entry.read_bytes()[:200])
    assert np.array_equal(cache.read(dark_dng).mosaic_dn, whole)
    assert np.array_equal(np.load(entry), whole)


def test_the_oldest_entries_make_room(shoot, tmp_path) -> None:
    paths = [shoot(tmp_path / f"{n}.dng", 10.0 * (n + 1), 0.1) for n in range(4)]
    size = read_raw(paths[0]).mosaic_dn.nbytes
    cache = MosaicCache(tmp_path / "cache", limit_gb=2.5 * size / 1e9)
    mapped = cache.read(paths[0]) and cache.read(paths[0])
    for age, path in enumerate(paths):
        cache.read(path)
        for entry in cache.folder.glob("*.npy"):
            os.utime(entry, (age, entry.stat().st_mtime - 100))
    assert len(list(cache.folder.glob("*.npy"))) == 2
    assert len(list(cache.folder.glob("*.json"))) == 2
    assert mapped.mosaic_dn.mean() > 0  # still readable though its entry is gone


def _read(arguments) -> float:
    folder, path = arguments
    return float(MosaicCache(folder).read(path).mosaic_dn.mean())


def test_several_processes_share_a_folder(shoot, tmp_path) -> None:
    paths = [shoot(tmp_path / f"{n}.dng", 10.0 * (n + 1), 0.1) for n in range(3)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        means = pool.map(_read, [(tmp_path / "cache", path) for path in paths * 4], chunksize=1)
    assert means == [float(read_raw(path).mosaic_dn.mean()) for path in paths] * 4
    assert not list((tmp_path / "cache").rglob("*.partial"))


def test_a_cache_that_cannot_be_used_is_one_sentence(dark_dng, tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"the cache cannot be used \(Not a directory\)"):
        MosaicCache(tmp_path / "file" / "cache").read(dark_dng)


def test_a_missing_file_is_one_sentence(cache, tmp_path) -> None:
    with pytest.raises(InputError, match="no such file"):
        cache.read(tmp_path / "gone.dng")
