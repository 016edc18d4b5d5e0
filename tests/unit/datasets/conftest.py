"""The cache that the datasets read through, and the lenses that photographs are seen through."""

from collections.abc import Callable
from pathlib import Path

import pytest

from darkdiff_cli.datasets import MosaicCache
from darkdiff_cli.synthesis import Lens


@pytest.fixture
def cache(tmp_path: Path) -> MosaicCache:
    return MosaicCache(tmp_path / "cache")


@pytest.fixture
def through(monkeypatch: pytest.MonkeyPatch) -> Callable[[Lens], None]:
    """Every scene is seen through this lens from now on."""

    def use(lens: Lens) -> None:
        for kind in ("photos", "raws"):
            monkeypatch.setattr(f"darkdiff_cli.datasets.{kind}.random_lens", lambda _: lens)

    return use


@pytest.fixture
def perfect_lens(through: Callable[[Lens], None]) -> None:
    """What a photograph shows arrives as it is."""
    through(Lens(0.0))
