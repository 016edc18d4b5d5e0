from pathlib import Path

import pytest
import torch

from darkdiff_cli.datasets import Pair, PhotoPairs
from darkdiff_cli.datasets.darken import SynthesisSettings
from darkdiff_cli.datasets.scene import Form
from darkdiff_cli.datasets.stored import BYTES, StoredPairs, remove_stored
from darkdiff_cli.errors import InputError, OutputError

SETTINGS = SynthesisSettings(ratio_range=(2.0, 100.0), xtrans_share=0.5)


@pytest.fixture
def pairs(photo_folder: Path) -> list[Pair]:
    made = PhotoPairs(photo_folder, SETTINGS, crop=32, form=Form(full_size=True))
    return [made[index].with_half(torch.rand(3, 32, 32)) for index in range(3)]


def test_a_stored_pair_is_the_pair(pairs: list[Pair], tmp_path: Path) -> None:
    stored = StoredPairs(tmp_path / "kept", 3, "now")
    for index, pair in enumerate(pairs):
        assert not stored.has(index)
        stored.put(index, pair)
        assert stored.has(index)
    assert len(stored) == 3
    for index, pair in enumerate(pairs):
        again = stored[index]
        assert again.names == pair.names
        assert again.full is not None
        assert pair.full is not None
        for ours, theirs in ((again.reference, pair.reference), (again.full.truth, pair.full.truth)):
            assert torch.equal(ours, theirs)
        assert pair.full.half is not None
        assert again.full.half is not None
        assert torch.equal(again.full.half, pair.full.half)
        for name in ("colours", "mask", "noise", "srgb_from_camera"):
            assert torch.equal(getattr(again.full.samples, name), getattr(pair.full.samples, name)), name
        size = stored.path(index).stat().st_size
        assert 0 < size - BYTES * 32**2 < 1500  # names, shapes and two small matrices


def test_what_was_made_otherwise_or_is_cut_off_is_missing(pairs: list[Pair], tmp_path: Path) -> None:
    StoredPairs(tmp_path, 3, "before").put(0, pairs[0])
    stored = StoredPairs(tmp_path, 3, "now")
    assert not stored.has(0)
    stored.put(1, pairs[1])
    whole = stored.path(1).read_bytes()
    stored.path(1).write_bytes(whole[:-1])
    assert not stored.has(1)
    with pytest.raises(InputError, match=r"00000001.safetensors: cannot be read, but the run made it"):
        stored[1]
    with pytest.raises(InputError, match=r"go on with --resume"):
        stored[2]


def test_only_stored_pairs_are_removed(pairs: list[Pair], tmp_path: Path) -> None:
    remove_stored(tmp_path / "none")
    stored = StoredPairs(tmp_path / "kept", 3, "now")
    stored.put(0, pairs[0])
    (tmp_path / "kept" / "mine.safetensors").write_text("mine")
    remove_stored(tmp_path / "kept")
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["mine.safetensors"]
    (tmp_path / "kept" / "mine.safetensors").unlink()
    remove_stored(tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_a_pair_that_cannot_be_written_is_one_sentence(pairs: list[Pair], tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file")
    with pytest.raises(OutputError, match="kept"):
        StoredPairs(tmp_path / "kept", 3, "now").put(0, pairs[0])
