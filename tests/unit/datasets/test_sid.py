import pytest
import torch

from darkdiff_cli.datasets import RawPairs
from darkdiff_cli.datasets.sid import PUBLISHED, sid_pairs
from darkdiff_cli.errors import InputError
from darkdiff_cli.raw import develop, read_raw


@pytest.fixture
def sid(tmp_path, shoot):
    """Three scenes; the first with a burst of two and two ratios. The files are DNG under SID's ARW names' stems."""
    root = tmp_path / "SID" / "Sony"
    for scene in ("00001", "10034", "20208"):
        shoot(root / "long" / f"{scene}_00_10s.dng", 1.0, 10.0)
        shoot(root / "short" / f"{scene}_00_0.1s.dng", 100.0, 0.1, balance=(1.7, 1.0, 2.2))
    shoot(root / "short" / "00001_01_0.1s.dng", 100.0, 0.1)
    shoot(root / "short" / "00001_00_0.04s.dng", 250.0, 0.04)
    shoot(root / "short" / "00001_00_0.02s.dng", 500.0, 0.02)
    return tmp_path / "SID"


def test_splits_take_the_first_frame_of_each_burst(sid) -> None:
    train = sid_pairs(sid, "train")
    assert [(pair.scene, pair.ratio) for pair in train] == [
        ("00001_00_0.02s", 300.0),  # the published ratio stops at 300
        ("00001_00_0.04s", 250.0),
        ("00001_00_0.1s", 100.0),
    ]
    assert {pair.clean.name for pair in train} == {"00001_00_10s.dng"}
    assert [pair.scene for pair in sid_pairs(sid, "validation")] == ["20208_00_0.1s"]
    assert PUBLISHED == {"train": 280, "test": 93, "validation": 36}


def test_misaligned_scenes_are_flagged(sid) -> None:
    assert [pair.misaligned for pair in sid_pairs(sid, "test")] == [True]
    assert not any(pair.misaligned for pair in sid_pairs(sid, "train"))


def test_pairs_show_the_same_scene_under_the_long_files_white_balance(sid, cache) -> None:
    pairs = sid_pairs(sid, "validation")
    pair = RawPairs(pairs, 64, 0, "srgb", "lrgb-srgb", cache)[0]
    long = develop(read_raw(pairs[0].clean), 1.0).pixels
    assert pair.noisy.shape == (3, 40, 56) or pair.noisy.shape == (3, 56, 40)
    assert torch.allclose(pair.clean.mean((1, 2)), torch.from_numpy(long.mean((0, 1))), atol=1e-5)
    assert torch.allclose(pair.noisy.mean((1, 2)), pair.clean.mean((1, 2)), atol=0.03)


@pytest.mark.parametrize("gone", ["Sony/long", "Sony/short"])
def test_a_missing_folder_says_where_to_get_it(sid, gone) -> None:
    (sid / gone).rename(sid / "elsewhere")
    with pytest.raises(InputError, match=rf"{gone}.*missing.*https://storage.googleapis.com"):
        sid_pairs(sid, "train")


def test_a_missing_long_exposure_is_named(sid) -> None:
    (sid / "Sony" / "long" / "00001_00_10s.dng").unlink()
    with pytest.raises(InputError, match=r"00001_00_\*s\.ARW is missing"):
        sid_pairs(sid, "train")
    assert len(sid_pairs(sid, "test")) == 1
