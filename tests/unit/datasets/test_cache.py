import multiprocessing
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from darkdiff_cli.datasets import MosaicCache
from darkdiff_cli.errors import InputError, OutputError
from darkdiff_cli.raw import ExposureSettings, read_raw
from darkdiff_cli.raw.corrections import read_corrected
from tests.unit.raw.lossy_dng import write_lossy_dng


def assert_same(first, second, but: frozenset[str] = frozenset()) -> None:
    for field in fields(first):
        one, other = getattr(first, field.name), getattr(second, field.name)
        same = np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other
        assert same or field.name in but, field.name


def test_a_frame_comes_back_as_it_was_read(dark_dng, tmp_path) -> None:
    """The first reading and the second are one, and both are the file but for what no pair is made of."""
    cache = MosaicCache(tmp_path / "cache", corrections=ExposureSettings(crop="sensor"))
    path = with_odd_fields(dark_dng, tmp_path / "odd.dng")
    fresh, mapped = cache.read(path), cache.read(path)
    assert isinstance(mapped.mosaic_dn, np.memmap)
    assert not mapped.mosaic_dn.flags.writeable
    assert_same(mapped, fresh)
    read = read_corrected(path, cache.settings)
    assert read.pixel_aspect == 0.5
    assert read.camera_crop is not None
    assert read.sources
    assert_same(mapped, read, but=frozenset({"dng", "metadata"}))
    assert mapped.dng is None
    assert mapped.metadata.settings() == read.metadata.settings()


def with_odd_fields(source: Path, path: Path) -> Path:
    """A copy of a DNG with pixels twice as high as wide, a crop of its own, and no white balance."""
    import tifffile

    with tifffile.TiffFile(source) as tiff:
        page = tiff.pages.first
        tags = [(tag.code, int(tag.dtype), tag.count, tag.value, True) for tag in page.tags if tag.code > 33420
                and tag.code not in (34665, 50728, 34853)]  # fmt: skip
        mosaic = page.asarray()
    tags += [(50718, "2I", 2, (1, 1, 2, 1), True), (50719, "I", 2, (4, 4), True), (50720, "I", 2, (80, 64), True)]
    tifffile.imwrite(path, mosaic, photometric="cfa", metadata=None, extratags=tags)
    return path


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
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        means = list(pool.map(_read, [(tmp_path / "cache", path) for path in paths * 4]))
    assert means == [float(read_raw(path).mosaic_dn.mean()) for path in paths] * 4
    assert not list((tmp_path / "cache").rglob("*.partial"))


def test_a_cache_that_cannot_be_used_is_one_sentence(dark_dng, tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"the cache cannot be used \(Not a directory\)"):
        MosaicCache(tmp_path / "file" / "cache").read(dark_dng)


@pytest.mark.skipif(not Path("/proc/self/mem").is_file(), reason="no file that opens and cannot be read")
def test_a_file_that_cannot_be_read_is_named_and_not_the_cache(cache, tmp_path) -> None:
    (tmp_path / "a.dng").symlink_to("/proc/self/mem")
    with pytest.raises(InputError, match=r"a\.dng: cannot be read \(Input/output error\); check the card"):
        cache.read(tmp_path / "a.dng")


def test_a_missing_file_is_one_sentence(cache, tmp_path) -> None:
    with pytest.raises(InputError, match="no such file"):
        cache.read(tmp_path / "gone.dng")
