"""The cache that the datasets read through."""

from pathlib import Path

import pytest

from darkdiff_cli.datasets import MosaicCache


@pytest.fixture
def cache(tmp_path: Path) -> MosaicCache:
    return MosaicCache(tmp_path / "cache")
