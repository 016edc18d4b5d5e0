import pytest

from darkdiff_cli.datasets import RawPairs
from darkdiff_cli.datasets.eld import eld_pairs, other_reference
from darkdiff_cli.datasets.lrd import VALIDATION, lrd_pairs
from darkdiff_cli.errors import InputError


@pytest.fixture
def eld(tmp_path, shoot):
    """One camera, ten scenes; only the first holds real files, the others empty ones of the right names."""
    for scene in range(1, 11):
        folder = tmp_path / "ELD" / "SonyA7S2" / f"scene-{scene}"
        for number in range(1, 17):
            path = folder / f"IMG_{number:04d}.dng"
            if scene == 1 and number in (4, 6):
                shoot(path, 1.0 if number == 6 else 100.0, 1.0 if number == 6 else 1 / 800, 100 if number == 6 else 800)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
    return tmp_path / "ELD"


def test_dark_frames_meet_the_nearest_reference(eld) -> None:
    pairs = eld_pairs(eld, 200)
    assert len(pairs) == 30
    assert [(p.noisy.stem, p.clean.stem) for p in pairs[:3]] == [
        ("IMG_0005", "IMG_0006"), ("IMG_0010", "IMG_0011"), ("IMG_0015", "IMG_0016"),
    ]  # fmt: skip
    assert [(p.noisy.stem, p.clean.stem) for p in eld_pairs(eld / "SonyA7S2", 100)[:3]] == [
        ("IMG_0004", "IMG_0006"), ("IMG_0009", "IMG_0011"), ("IMG_0014", "IMG_0016"),
    ]  # fmt: skip


def test_ratio_is_iso_times_time(eld, cache) -> None:
    pair = RawPairs(eld_pairs(eld, 100)[:1], 32, 0, "srgb", "lrgb-srgb", cache)[0]
    assert pair.names == ("SonyA7S2/scene-1/IMG_0004 x100",)  # (100 * 1 s) / (800 * 1/800 s)


def test_gaps_in_eld_are_named(eld) -> None:
    (eld / "SonyA7S2" / "scene-3" / "IMG_0011.dng").unlink()
    with pytest.raises(InputError, match="scene-3: the image IMG_0011 is missing"):
        eld_pairs(eld, 200)
    with pytest.raises(InputError, match=r"NikonD850/scene-1.*github.com/Vandermode/ELD"):
        eld_pairs(eld, 200, "NikonD850")


@pytest.fixture
def lrd(tmp_path, shoot):
    root = tmp_path / "LRD"
    for scene in ("00001", "00200", "00541"):
        shoot(root / "Clean" / f"{scene}_00_0.05s.dng", 1.0, 0.05)
        for ev, seconds in ((1, 0.01), (2, 0.00417), (3, 0.0025)):
            shoot(root / "Noisy" / f"{scene}_{ev:02d}_{seconds}s.dng", 0.05 / seconds, seconds, 200)
    return root


def test_lrd_splits_follow_the_authors_lists(lrd) -> None:
    assert [pair.scene[:5] for pair in lrd_pairs(lrd, "train")] == ["00001"] * 3
    assert [pair.scene[:5] for pair in lrd_pairs(lrd.parent, "validation")] == ["00200"] * 3
    assert [pair.scene for pair in lrd_pairs(lrd, "test", ev=-3)] == ["00541_03_0.0025s"]
    assert len(VALIDATION) == 60


def test_lrd_ratio_counts_the_iso(lrd, cache) -> None:
    pairs = RawPairs(lrd_pairs(lrd, "test", ev=-3), 32, 0, "srgb", "lrgb-srgb", cache)
    assert pairs[0].names == ("00541_03_0.0025s x10",)  # (100 * 0.05 s) / (200 * 0.0025 s)


def test_gaps_in_lrd_are_named(lrd) -> None:
    (lrd / "Clean" / "00001_00_0.05s.dng").unlink()
    with pytest.raises(InputError, match=r"_00_\*s\.DNG is missing; get LRD from https://github\.com/fengzhang427/LRD"):
        lrd_pairs(lrd, "train")


def test_another_reference_of_the_scene(eld) -> None:
    scene = eld / "SonyA7S2" / "scene-2"
    assert other_reference(scene / "IMG_0001.dng") == scene / "IMG_0006.dng"
    assert other_reference(scene / "IMG_0011.dng") == scene / "IMG_0001.dng"
    assert other_reference(scene / "IMG_0004.dng") is None
