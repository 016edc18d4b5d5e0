"""What each protocol scores, and which files it takes, by value."""

from dataclasses import replace
from pathlib import Path

import pytest

from darkdiff_cli.evaluation.protocols.protocol import PROTOCOLS, get_protocol
from darkdiff_cli.evaluation.protocols.published import read_published
from darkdiff_cli.evaluation.protocols.tables import TABLES

WHOLE = {f"sid-x{ratio}-{subset}" for ratio in (100, 250, 300) for subset in ("test", "test-val")}
RAWPY = {f"{name}-rawpy" for name in WHOLE}
INDOOR = {f"sid-x{ratio}-indoor" for ratio in (100, 250, 300)}
ELD = {"eld-sony-x100", "eld-sony-x200"}
UNCORRECTED = {f"{name}-uncorrected" for name in ELD}
TRUTH = {"full-scenes", "full-scenes-halved"}
SIBLINGS = WHOLE | ELD | {"lrd-m3ev-60"}
FULL = {f"full-{name}" for name in SIBLINGS}


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def names_where(field: str, value: object) -> set[str]:
    return {name for name, protocol in PROTOCOLS.items() if getattr(protocol, field) == value}


def test_every_field_of_every_protocol() -> None:
    """The ELD paper's way (illuminance correction on 8 bits) for its own sets, its crop for its scenes of SID."""
    scenes = {"scenes", "scenes-levels"}
    assert set(PROTOCOLS) == SIBLINGS | FULL | RAWPY | INDOOR | UNCORRECTED | scenes | TRUTH
    full_eld = {f"full-{name}" for name in ELD}
    assert names_where("illuminance", True) == INDOOR | ELD | full_eld
    assert names_where("bits", 8) == RAWPY | INDOOR | ELD | full_eld | UNCORRECTED
    assert names_where("bits", None) == set(PROTOCOLS) - names_where("bits", 8)
    assert names_where("curve", "bt709") == RAWPY
    assert names_where("crop", 512) == INDOOR
    assert names_where("crop", None) == set(PROTOCOLS) - INDOOR
    assert names_where("misaligned", True) == set(PROTOCOLS)
    assert names_where("adjust_maximum", False) == {"scenes-levels"} | TRUTH
    assert names_where("line_noise", "auto") == names_where("hot_pixels", "auto") == scenes | TRUTH
    assert names_where("reference", "truth") == TRUTH
    assert names_where("size", "full") == FULL | {"full-scenes"}
    for ratio in (100, 200, 250, 300):
        assert names_where("ratio", ratio) == {name for name in PROTOCOLS if f"-x{ratio}" in name}
    assert names_where("subset", "indoor") == INDOOR
    assert names_where("subset", "test-val") == {name for name in WHOLE | RAWPY | FULL if "test-val" in name}


def test_a_protocol_at_full_size_is_its_sibling_at_half_size_but_for_the_size() -> None:
    for name in SIBLINGS:
        sibling = PROTOCOLS[name]
        assert PROTOCOLS[f"full-{name}"] == replace(sibling, name=f"full-{name}", version=1, size="full")
        assert sibling.size == "half"


@pytest.mark.parametrize(("ratio", "numbers"), [(100, (4, 9, 14)), (200, (5, 10, 15))])
def test_eld_is_scored_on_sonys_scenes_at_its_ratio(ratio: int, numbers: tuple[int, ...], tmp_path: Path) -> None:
    folder = touched(
        tmp_path,
        *(f"{camera}/scene-{scene}/IMG_{number:04d}.ARW"
          for camera in ("NikonD850", "SonyA7S2") for scene in range(1, 11) for number in range(1, 17)),
    )  # fmt: skip
    pairs = get_protocol(f"eld-sony-x{ratio}").find(folder)
    assert len(pairs) == 30
    assert {pair.scene.split("/")[0] for pair in pairs} == {"SonyA7S2"}
    assert sorted({int(pair.noisy.stem[-4:]) for pair in pairs}) == list(numbers)


def test_lrd_is_scored_on_test_scenes_three_stops_too_dark(tmp_path: Path) -> None:
    scenes = ("00200", "00540", "00541", "00600")
    folder = touched(
        tmp_path,
        *(f"Clean/{scene}_00_0.05s.DNG" for scene in scenes),
        *(f"Noisy/{scene}_0{stops}_0.01s.DNG" for scene in scenes for stops in (1, 2, 3)),
    )
    found = [pair.scene for pair in get_protocol("lrd-m3ev-60").find(folder)]
    assert found == ["00541_03_0.01s", "00600_03_0.01s"]


def test_misaligned_scenes_of_sid_can_be_left_out(tmp_path: Path) -> None:
    scenes = ("10003", "10034", "10045", "10172")
    folder = touched(
        tmp_path,
        *(f"Sony/{part}/{scene}_00_{seconds}s.ARW"
          for scene in scenes for part, seconds in (("long", "10"), ("short", "0.1"))),
    )  # fmt: skip
    protocol = get_protocol("sid-x100-test")
    assert [pair.scene[:5] for pair in protocol.find(folder)] == list(scenes)
    assert [pair.scene[:5] for pair in replace(protocol, misaligned=False).find(folder)] == ["10003"]


def test_published_scores_of_every_metric_are_read(tmp_path: Path) -> None:
    path = tmp_path / "published.csv"
    path.write_text(
        "protocol,method,psnr,ssim,lpips,lpips_vgg\nsid-x300-35,theirs,29.5,0.81,0.2,0.4\nlrd,other,31,,,\n"
    )
    first, second = read_published(path)
    assert (first.protocol, first.method) == ("sid-x300-35", "theirs")
    assert first.scores == {"psnr": 29.5, "ssim": 0.81, "lpips": 0.2, "lpips_vgg": 0.4}
    assert second.scores == {"psnr": 31.0}


def test_the_papers_tables_guide_and_vary_as_it_says() -> None:
    assert [(number, TABLES[number].guidance) for number in TABLES] == [
        (1, 2.0), (2, 2.5), (3, 2.0), (4, 2.0), (5, 2.0), (6, 2.0),
    ]  # fmt: skip
    alone = ("stage1.residual=false", "stage2.image_loss.weight=0")
    base = {(f"stage2.conditioning={kind}", *alone) for kind in ("concat", "controlnet")}
    assert {number: {v.values for v in table.variants if v.values} for number, table in TABLES.items()} == {
        1: base, 2: base, 3: base,
        4: {("stage2.conditioning=concat",), *((value,) for value in alone)},
        5: {("data_format=raw-srgb",), ("data_format=raw-raw",)},
        6: {(f"stage2.conditioning={kind}",) for kind in ("concat", "controlnet", "global")},
    }  # fmt: skip


def test_every_protocol_says_how_many_pairs_it_holds() -> None:
    """The first frame of each burst in SID's own lists, by ratio; ELD has ten scenes at three sensitivities."""
    counts = {
        **dict.fromkeys({"scenes", "scenes-levels"} | TRUTH),
        "sid-x100-test": 29, "sid-x250-test": 29, "sid-x300-test": 35,
        "sid-x100-test-val": 40, "sid-x250-test-val": 40, "sid-x300-test-val": 49,
        **dict.fromkeys(INDOOR, 15), **dict.fromkeys(ELD | UNCORRECTED, 30), "lrd-m3ev-60": 60,
    }  # fmt: skip
    counts |= {f"{name}-rawpy": counts[name] for name in WHOLE} | {f"full-{name}": counts[name] for name in SIBLINGS}
    assert {name: protocol.count for name, protocol in PROTOCOLS.items()} == counts


@pytest.mark.parametrize(
    ("name", "found", "words"),
    [
        ("sid-x100-test", None, ", 29 pairs;"),
        ("sid-x100-test", 29, ", 29 pairs;"),
        ("sid-x100-test", 3, ", 3 of 29 pairs;"),
        ("scenes", None, "NAME_clean;"),
        ("scenes", 1, "NAME_clean, 1 pair;"),
        ("scenes", 12, "NAME_clean, 12 pairs;"),
    ],
)
def test_what_a_folder_lacks_is_said(name: str, found: int | None, words: str) -> None:
    assert words in get_protocol(name).describe(found)
