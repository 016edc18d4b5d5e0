import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.errors import InputError, SettingsError
from darkdiff_cli.raw import ExposureSettings, read_exposure, read_raw
from darkdiff_cli.raw.squares import as_bayer
from darkdiff_cli.raw.stack import read_stack
from darkdiff_cli.synthesis import Sensor, mosaic_of, write_dng
from darkdiff_cli.synthesis.unprocess import QUAD_BAYER, XTRANS
from tests.unit.raw.stack.bursts import SHAKE, exposed, frame_of, scene, write_burst


@pytest.fixture(scope="module")
def burst(tmp_path_factory, sensor: Sensor, capture) -> list[Path]:
    return write_burst(tmp_path_factory.mktemp("burst"), [scene(shift) for shift in SHAKE], sensor, capture)


def test_a_stack_is_a_frame_like_any_other(burst: list[Path]) -> None:
    reports = []
    stack = read_stack(burst, ExposureSettings(), lambda *words: reports.append(words))
    one = read_exposure(burst[0], ExposureSettings())
    assert (stack.frames, stack.seconds) == (4, 4.0)
    assert (one.frames, one.seconds) == (1, 1.0)
    assert stack.ratio == pytest.approx(one.ratio, rel=0.15)
    assert stack.frame.mosaic_dn.shape == one.frame.mosaic_dn.shape
    assert (stack.frame.cfa, stack.frame.metadata, stack.frame.path) == (
        one.frame.cfa,
        one.frame.metadata,
        one.frame.path,
    )
    assert stack.frame.notes == one.frame.notes
    assert stack.frame.light_dn().mean() == pytest.approx(one.frame.light_dn().mean(), rel=0.01)
    assert reports == [("read", done, 4) for done in (1, 2, 3)]


def test_each_frame_is_corrected_by_itself(sensor: Sensor, capture, tmp_path: Path) -> None:
    """A glow of the sensor stays where it is while the scene moves: uncorrected frames would not agree where it is."""
    glow = np.zeros((192, 240), np.uint16)
    glow[:, :120] = 200
    paths = [tmp_path / name for name in ("IMG0.dng", "IMG1.dng", "dark.dng")]
    for number, path in enumerate(paths[:2]):
        write_dng(path, exposed(scene(SHAKE[number]), sensor, 16.0, number) + glow, sensor, capture)
    write_dng(paths[2], glow + np.uint16(sensor.black), sensor, capture)
    settings = ExposureSettings(dark=(paths[2],))
    clean = mosaic_of(scene(), sensor.cfa, 0.0, sensor.white - sensor.black) / 16
    noises = [
        (exposure.frame.light_dn() - clean)[12:-12, 12:110].std()
        for exposure in (read_stack(paths[:2], settings), read_exposure(paths[0], settings))
    ]
    assert noises[0] < 0.8 * noises[1]


def test_the_settings_of_one_photo_hold_for_the_stack(burst: list[Path]) -> None:
    stack = read_stack(burst[:2], ExposureSettings(ratio=20.0, ev=1.0, saturation=9000.0))
    assert (stack.ratio, stack.frame.white_level, stack.seconds) == (40.0, 9000.0, 2.0)


def test_a_frame_that_cannot_be_aligned_is_left_out_and_said(burst, sensor: Sensor, capture, tmp_path: Path) -> None:
    [other] = write_burst(tmp_path, [scene(seed=1)], sensor, capture)
    other = other.rename(tmp_path / "other.dng")
    stack = read_stack([*burst[:2], other], ExposureSettings())
    assert (stack.frames, stack.seconds) == (2, 2.0)
    assert stack.frame.notes[-1] == (
        "other.dng has too little in common with the first frame to be aligned with it and is left out"
    )
    with pytest.raises(InputError, match=r"IMG0.dng: none of 1 other frame can be stacked on it \(other.dng has"):
        read_stack([burst[0], other], ExposureSettings())


def test_a_frame_that_cannot_be_read_is_left_out_and_said(burst: list[Path], tmp_path: Path) -> None:
    cut, empty, missing = (tmp_path / name for name in ("cut.dng", "empty.dng", "missing.dng"))
    cut.write_bytes(burst[2].read_bytes()[:-100])
    empty.touch()
    stack = read_stack([burst[0], cut, burst[1], empty], ExposureSettings())
    assert (stack.frames, stack.seconds) == (2, 2.0)
    assert stack.frame.notes[-2:] == (
        "cut.dng cannot be read and is left out: is truncated or damaged (Unexpected end of file); "
        "copy it again from the card",
        "empty.dng cannot be read and is left out: the file is empty; copy it again from the card",
    )
    with pytest.raises(InputError, match=r"IMG0.dng: none of 1 other frame can be stacked on it \(cut.dng cannot"):
        read_stack([burst[0], cut], ExposureSettings())
    with pytest.raises(InputError, match=r"cut.dng: is truncated"):
        read_stack([cut, *burst], ExposureSettings())
    with pytest.raises(InputError, match=r"missing.dng: no such file"):
        read_stack([*burst, missing], ExposureSettings())


@pytest.mark.skipif(os.name == "nt", reason="there are no named pipes in folders")
def test_a_frame_that_is_no_file_is_left_out_and_said(burst: list[Path], tmp_path: Path) -> None:
    pipe, folder = tmp_path / "pipe.dng", tmp_path / "folder.dng"
    os.mkfifo(pipe)
    folder.mkdir()
    stack = read_stack([*burst[:2], pipe, folder], ExposureSettings())
    assert stack.frames == 2
    assert stack.frame.notes[-2:] == (
        "pipe.dng cannot be read and is left out: is a device or a pipe, and no file; give a raw file",
        "folder.dng cannot be read and is left out: is a folder; give the raw files in it",
    )
    with pytest.raises(InputError, match=r"pipe\.dng: is a device or a pipe, and no file"):
        read_stack([pipe, *burst[:2]], ExposureSettings())


def with_hole(path: Path, hole: Path) -> Path:
    """A copy of a raw of ours, rows 80 to 112 of which were lost."""
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        start = tiff.pages.first.dataoffsets[0]
    content[start + 80 * 240 * 2 : start + 112 * 240 * 2] = bytes(32 * 240 * 2)
    hole.write_bytes(content)
    return hole


def test_a_whole_frame_takes_the_place_of_a_damaged_first_one(burst: list[Path], tmp_path: Path) -> None:
    hole, empty = with_hole(burst[0], tmp_path / "hole.dng"), tmp_path / "empty.dng"
    empty.touch()
    stack = read_stack([hole, empty, *burst[1:3]], ExposureSettings())
    assert (stack.frames, stack.seconds, stack.frame.path) == (3, 3.0, burst[1])
    aligned, lost, unread = stack.frame.notes
    assert aligned == "the frames are aligned with IMG1.dng, since there are doubts about hole.dng"
    assert lost.startswith("hole.dng: parts of the picture are missing or wrong (7,680 of its photosites are 0")
    assert unread.startswith("empty.dng cannot be read")
    without = read_stack(burst[1:3], ExposureSettings()).frame
    np.testing.assert_allclose(stack.frame.light_dn()[84:108, 8:-8], without.light_dn()[84:108, 8:-8], atol=1e-3)
    kept = read_stack([burst[1], hole, burst[2]], ExposureSettings())
    np.testing.assert_array_equal(kept.frame.mosaic_dn, stack.frame.mosaic_dn)


def test_what_is_wrong_with_a_frame_that_is_left_out_is_said(burst, sensor: Sensor, capture, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.dng"
    shot = replace(capture, exposure_time=1.0)
    write_dng(wrong, exposed(scene(), sensor, 300.0, 8), replace(sensor, black=sensor.black + 150), shot)
    notes = read_stack([*burst[:2], wrong], ExposureSettings()).frame.notes
    assert notes[-2].startswith("wrong.dng ")
    assert notes[-2].endswith(" and is left out")
    assert notes[-1].startswith(f"wrong.dng: black level {sensor.black + 150:g} is unlikely")
    with pytest.raises(
        InputError, match=r"wrong\.dng: none of 1 .* \(wrong\.dng: black level .*; IMG0\.dng shows only .*scene"
    ):
        read_stack([wrong, burst[0]], ExposureSettings())


def test_a_doubtful_first_frame_stays_the_first_where_the_next_one_is_of_another_scene(
    burst, sensor: Sensor, capture, tmp_path: Path
) -> None:
    doubtful, stray = tmp_path / "doubtful.dng", tmp_path / "stray.dng"
    dn = read_raw(burst[0]).mosaic_dn
    dn[:32, :32] = 0
    shot = replace(capture, exposure_time=1.0)
    write_dng(doubtful, dn, sensor, shot)
    write_dng(stray, exposed(scene()[::-1, ::-1], sensor, 16.0, 9), sensor, shot)
    stack = read_stack([doubtful, stray, *burst[1:]], ExposureSettings())
    assert stack.frame.path == doubtful
    assert any(note.startswith("stray.dng ") and note.endswith("left out") for note in stack.frame.notes)


def test_an_unknown_time_makes_the_sum_unknown(burst, sensor: Sensor, capture, tmp_path: Path) -> None:
    silent = tmp_path / "silent.dng"
    write_dng(silent, exposed(scene(SHAKE[1]), sensor, 16.0, 1), sensor, replace(capture, exposure_time=None))
    assert read_stack([burst[0], silent], ExposureSettings()).seconds is None


@pytest.mark.parametrize("difference", ["camera", "size", "filter"])
def test_frames_that_do_not_fit_are_refused(difference: str, burst, sensor: Sensor, capture, tmp_path: Path) -> None:
    light, kind, shot = scene(), sensor, capture
    if difference == "camera":
        shot = replace(capture, model="ILCE-7M3")
    elif difference == "size":
        light = light[:-2]
    else:
        kind = replace(sensor, cfa=XTRANS)
    write_dng(tmp_path / "other.dng", exposed(light, kind, 16.0, 1), kind, shot)
    words = {
        "camera": "is of Sony ILCE-7M3, but .*IMG0.dng is of Sony ILCE-7SM2",
        "size": "is of 240x190 Bayer RGGB, but .*IMG0.dng is of 240x192 Bayer RGGB",
        "filter": "is of 240x192 X-Trans, but .*IMG0.dng is of 240x192 Bayer RGGB",
    }
    with pytest.raises(InputError, match=f"other.dng: {words[difference]}; stack frames of one camera and mode"):
        read_stack([burst[0], tmp_path / "other.dng"], ExposureSettings())


def test_one_file_is_no_stack(burst: list[Path]) -> None:
    with pytest.raises(SettingsError, match="needs two or more frames"):
        read_stack(burst[:1], ExposureSettings())
    with pytest.raises(SettingsError, match=r"IMG0\.dng is named twice"):
        read_stack([burst[0], burst[1], burst[0]], ExposureSettings())


def test_a_copy_under_another_name_is_refused(burst: list[Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy.dng"
    copy.write_bytes(burst[1].read_bytes())
    with pytest.raises(SettingsError) as error:
        read_stack([*burst[:3], copy], ExposureSettings())
    assert str(error.value) == (f"--stack: {copy} is a copy of {burst[1]}, which adds no light; name each frame once.")


def test_no_mean_is_brighter_or_darker_where_frames_end(burst: list[Path]) -> None:
    """Where fewer frames saw a place, they count less, and the border has the light of the rest."""
    stack, one = read_stack(burst, ExposureSettings()), read_exposure(burst[0], ExposureSettings())
    for border in (np.s_[:3], np.s_[-3:], np.s_[:, :3], np.s_[:, -3:]):
        mine, light = stack.frame.light_dn()[border], one.frame.light_dn()[border]
        assert mine.mean() == pytest.approx(light.mean(), rel=0.03)


def test_squares_of_one_colour_are_stacked_as_the_photosites_that_they_make_up(
    sensor: Sensor, capture, tmp_path: Path
) -> None:
    quad_sensor = replace(sensor, cfa=QUAD_BAYER)
    lights = [scene((2 * down, 2 * across), waves=(0.005, 0.06)) for down, across in SHAKE[:3]]
    quads = write_burst(tmp_path, lights, quad_sensor, capture)
    stack, joined = read_stack(quads, ExposureSettings()), as_bayer(read_exposure(quads[0], ExposureSettings()).frame)
    assert (stack.frames, stack.frame.cfa, stack.frame.mosaic_dn.shape) == (3, Cfa.bayer("RGGB"), (96, 120))
    seen = mosaic_of(lights[0], QUAD_BAYER, sensor.black, sensor.white)
    clean = as_bayer(frame_of(seen, quad_sensor)).light_dn() / 16
    stacked, alone = ((frame.light_dn() - clean)[8:-8, 8:-8].std() for frame in (stack.frame, joined))
    assert stacked < 0.85 * alone
