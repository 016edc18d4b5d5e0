"""Which entries of the cache make room."""

import os
from pathlib import Path

from darkdiff_cli.datasets import MosaicCache
from darkdiff_cli.raw import read_raw


def decoded(cache: MosaicCache, path: Path) -> set[str]:
    """Names of the entries that reading a file adds."""
    before = {entry.name for entry in cache.folder.glob("*.npy")}
    cache.read(path)
    return {entry.name for entry in cache.folder.glob("*.npy")} - before


def test_the_newest_entry_stays_whatever_the_limit(shoot, tmp_path: Path) -> None:
    cache = MosaicCache(tmp_path / "cache", limit_gb=0.0)
    for number in range(2):
        path = shoot(tmp_path / f"{number}.dng", 10.0 * (number + 1), 0.1)
        assert len(decoded(cache, path)) == 1
        assert len(list(cache.folder.glob("*.npy"))) == 1
        assert not decoded(cache, path)


def test_an_entry_that_was_used_again_stays_before_one_that_was_not(shoot, tmp_path: Path) -> None:
    paths = [shoot(tmp_path / f"{number}.dng", 10.0 * (number + 1), 0.1) for number in range(3)]
    cache = MosaicCache(tmp_path / "cache", limit_gb=2.5 * read_raw(paths[0]).mosaic_dn.nbytes / 1e9)
    for age, path in ((1000, paths[0]), (2000, paths[1])):
        [name] = decoded(cache, path)
        os.utime(cache.folder / name, (age, age))
    assert not decoded(cache, paths[0])  # used again, now the newer one
    assert decoded(cache, paths[2])
    assert not decoded(cache, paths[0])
    assert decoded(cache, paths[1])
