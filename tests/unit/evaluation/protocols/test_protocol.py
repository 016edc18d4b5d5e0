import pytest

from darkdiff_cli.errors import InputError, SettingsError
from darkdiff_cli.evaluation.protocols.protocol import INDOOR, PROTOCOLS, get_protocol


def test_the_fields_published_protocols_are_there() -> None:
    kinds = ("indoor", "test", "test-rawpy", "test-val", "test-val-rawpy")
    named = {f"sid-x{ratio}-{kind}" for ratio in (100, 250, 300) for kind in kinds}
    named |= {f"eld-sony-x{ratio}{kind}" for ratio in (100, 200) for kind in ("", "-uncorrected")}
    named |= {f"full-sid-x{ratio}-{kind}" for ratio in (100, 250, 300) for kind in ("test", "test-val")}
    named |= {"full-eld-sony-x100", "full-eld-sony-x200", "full-lrd-m3ev-60", "full-scenes", "full-scenes-halved"}
    assert set(PROTOCOLS) == named | {"lrd-m3ev-60", "scenes", "scenes-levels"}
    assert PROTOCOLS["eld-sony-x200"].illuminance
    assert not PROTOCOLS["eld-sony-x200-uncorrected"].illuminance
    assert (PROTOCOLS["sid-x300-test-rawpy"].curve, PROTOCOLS["sid-x300-test"].curve) == ("bt709", "srgb")
    assert all(protocol.name == name for name, protocol in PROTOCOLS.items())
    assert len(INDOOR) == 15


def test_every_field_is_said() -> None:
    words = get_protocol("sid-x300-indoor").describe()
    for word in (
        "sid-x300-indoor v3",
        "centre 512",
        "illuminance corrected",
        "srgb",
        "8 bit",
        "half size against the rendering by LibRaw",
        "LibRaw's adjusted white",
        "line noise left in",
        "hot pixels left in",
    ):
        assert word in words
    assert "line noise taken off, hot pixels replaced" in get_protocol("scenes").describe()
    assert "full size against the truth, the file's white" in get_protocol("full-scenes").describe()
    assert "half size against the truth" in get_protocol("full-scenes-halved").describe()
    assert "full size against the rendering by LibRaw" in get_protocol("full-sid-x100-test").describe()
    assert "whole picture, no illuminance correction" in get_protocol("sid-x300-test").describe()
    assert (
        get_protocol("sid-x100-test").describe().startswith("sid-x100-test v3: SID Sony test scenes at x100, 29 pairs;")
    )
    with pytest.raises(
        SettingsError, match="choose one of scenes, scenes-levels, full-scenes, full-scenes-halved, sid-x100-test"
    ):
        get_protocol("sid")


def test_sid_protocols_pick_their_scenes(tmp_path) -> None:
    for scene in ("10003", "10185", "20188", "20199", "00001"):
        for part, seconds in (("long", "10"), ("short", "0.033"), ("short", "0.04"), ("short", "0.1")):
            path = tmp_path / "Sony" / part / f"{scene}_00_{seconds}s.ARW"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    def scenes(name: str) -> list[str]:
        return [pair.scene for pair in get_protocol(name).find(tmp_path)]

    assert scenes("sid-x300-test") == ["10003_00_0.033s", "10185_00_0.033s"]
    assert scenes("sid-x250-test") == ["10003_00_0.04s", "10185_00_0.04s"]
    assert scenes("sid-x100-test-val") == [f"{scene}_00_0.1s" for scene in ("10003", "10185", "20188", "20199")]
    assert scenes("sid-x300-indoor") == ["10185_00_0.033s", "20188_00_0.033s"]


def test_both_layouts_of_scene_folders(tmp_path) -> None:
    for name in ("a_clean.dng", "a_x100.dng", "a_x2.5.dng", "b_x100.dng", "a_x100.K", "readme.txt"):
        (tmp_path / name).touch()
    found = get_protocol("scenes").find(tmp_path)
    assert [(pair.scene, pair.ratio) for pair in found] == [("a_x100", 100.0), ("a_x2.5", 2.5)]
    for name in ("noisy/1.arw", "clean/1.ARW", "noisy/2.arw"):
        path = tmp_path / "pairs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    [pair] = get_protocol("scenes").find(tmp_path / "pairs")
    assert (pair.scene, pair.ratio) == ("1", None)
    with pytest.raises(InputError, match="holds neither"):
        get_protocol("scenes").find(tmp_path / "pairs" / "noisy")
