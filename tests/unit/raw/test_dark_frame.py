"""Dark frames are averaged and subtracted, and what does not fit is said or refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from darkdiff_cli.app import app
from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.cfa import Cfa
from darkdiff_cli.errors import InputError
from darkdiff_cli.raw import ExposureSettings, read_exposure, read_raw
from darkdiff_cli.raw import dark_frame as module
from darkdiff_cli.raw.dark_frame import read_dark, without_dark
from darkdiff_cli.synthesis import Sensor, write_dng

HEIGHT, WIDTH, READ = 120, 160, 3.0
Save = Callable[..., Path]


@pytest.fixture
def pattern() -> np.ndarray:
    """(H, W) what the sensor adds: dark current, a glow in a corner, hot pixels; DN."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    glow = 5 + 40 * np.exp(-((y / 30) ** 2) - (x / 30) ** 2)
    return glow + np.where(rng.random((HEIGHT, WIDTH)) < 0.01, 300, 0)


@pytest.fixture
def save(tmp_path: Path, sensor: Sensor, capture: CaptureMetadata) -> Save:
    """save(name, light above black, seed, other capture settings): a raw of this light and read noise."""

    def write(name: str, light: np.ndarray, seed: int = 1, cfa: str = "RGGB", **changes: object) -> Path:
        noise = np.random.default_rng(seed).normal(0, READ, light.shape)
        mosaic = np.rint(light + noise + sensor.black).clip(0, sensor.white).astype(np.uint16)
        write_dng(tmp_path / name, mosaic, replace(sensor, cfa=Cfa.bayer(cfa)), replace(capture, **changes))
        return tmp_path / name

    return write


def plain(*dark: Path) -> ExposureSettings:
    return ExposureSettings(hot_pixels="off", line_noise="off", dark=dark)


def test_the_pattern_comes_off_and_nothing_else(pattern: np.ndarray, save: Save) -> None:
    photo, dark = save("photo.dng", pattern + 100.0, 1), save("dark.dng", pattern, 2)
    read = read_exposure(photo, plain(dark)).frame
    assert read.notes == ()
    error = read.light_dn() - 100
    assert error.mean() == pytest.approx(0, abs=0.1)
    assert error.std() == pytest.approx(READ * np.sqrt(2), rel=0.05)
    assert np.abs(error).max() < 25  # neither glow nor hot pixels


def test_several_dark_frames_are_averaged(pattern: np.ndarray, save: Save) -> None:
    darks = [save(f"dark{seed}.dng", pattern, seed) for seed in range(10, 18)]
    light = read_dark(darks, None).frame.light_dn()
    each = [read_raw(path).light_dn() for path in darks]
    np.testing.assert_allclose(light, np.mean(each, axis=0), atol=1e-3)
    error = read_exposure(save("photo.dng", pattern + 100.0, 1), plain(*darks)).frame.light_dn() - 100
    assert error.std() == pytest.approx(READ * np.sqrt(1 + 1 / 8), rel=0.05)


def test_a_dark_frame_is_measured_from_its_own_black(pattern: np.ndarray, save: Save, sensor: Sensor) -> None:
    photo, dark = save("photo.dng", pattern + 100.0, 1), save("dark.dng", pattern, 2)
    given = replace(plain(dark), black=sensor.black - 8)
    both = read_exposure(photo, given).frame.light_dn()
    np.testing.assert_allclose(both, read_exposure(photo, plain(dark)).frame.light_dn(), atol=1e-3)


def test_what_is_saturated_stays_so(pattern: np.ndarray, save: Save, sensor: Sensor) -> None:
    light = pattern + 100.0
    light[50, 50] = 2 * sensor.white
    read = read_exposure(save("photo.dng", light), plain(save("dark.dng", pattern, 2))).frame
    assert read.light_dn()[50, 50] == read.white_level
    assert read.light_dn()[50, 51] < 200


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"iso": 800}, "at ISO 800 and not 3200"),
        ({"exposure_time": 10.0}, "for 10 s and not 0.03333 s"),
        ({"model": "ILCE-9"}, "by a Sony ILCE-9"),
        ({"exposure_time": 1 / 29}, ""),
    ],
)
def test_a_dark_frame_of_another_kind_is_said(changes: dict, words: str, pattern: np.ndarray, save: Save) -> None:
    photo, dark = save("photo.dng", pattern + 100.0), save("cap.dng", pattern, 2, **changes)
    notes = read_exposure(photo, plain(dark)).frame.notes
    expected = f"the dark frame cap.dng was taken {words}, so it may not fit this photo"
    assert notes == ((expected,) if words else ())


def test_another_size_or_filter_is_refused_in_a_sentence(pattern: np.ndarray, save: Save) -> None:
    photo = save("photo.dng", pattern + 100.0)
    small, turned = save("small.dng", pattern[:100]), save("turned.dng", pattern, cfa="BGGR")
    with pytest.raises(
        InputError, match=r"small\.dng: is a dark frame of 160x100 .*, but .*photo\.dng is 160x120 .*mode\.$"
    ):
        read_exposure(photo, plain(small))
    with pytest.raises(InputError, match=r"turned\.dng: is a dark frame of 160x120 .*BGGR.*, but .*RGGB.*mode\.$"):
        read_exposure(photo, plain(turned))
    with pytest.raises(InputError, match=r"turned\.dng: is a dark frame of .*, but .*small\.dng"):
        read_dark([small, turned], None)


def test_a_dark_frame_is_read_once_and_again_when_it_is_replaced(
    pattern: np.ndarray, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    monkeypatch.setattr(module, "read_raw", lambda *words: read.append(words) or read_raw(*words))
    photo, dark = read_raw(save("photo.dng", pattern + 100.0)), save("dark.dng", pattern, 2)
    settings = plain(dark)
    first = without_dark(photo, settings)
    second = without_dark(photo, settings)
    assert len(read) == 1
    np.testing.assert_array_equal(first.light_dn(), second.light_dn())
    save("dark.dng", pattern + 50, 2)
    assert without_dark(photo, settings).light_dn().mean() == pytest.approx(first.light_dn().mean() - 50, abs=0.1)


def test_hot_pixels_do_not_pass_for_defects_that_were_subtracted(pattern: np.ndarray, save: Save) -> None:
    """The dark frame comes off first, so that what is left to repair is little."""
    photo, dark = save("photo.dng", pattern + 100.0), save("dark.dng", pattern, 2)
    without = read_exposure(photo, replace(plain(dark), hot_pixels="auto")).frame.light_dn()
    np.testing.assert_array_equal(without, read_exposure(photo, plain(dark)).frame.light_dn())


@pytest.mark.parametrize("shown", [False, True])
def test_a_dark_frame_that_shows_a_picture_is_said(shown: bool, save: Save) -> None:
    """A frame of the night, taken for a dark frame, is a picture taken off a picture. A glow at a border is none."""
    rng = np.random.default_rng(0)
    y = np.mgrid[0:512, 0:640][0]
    dark = rng.gamma(0.3, 10, y.shape) + 200 * np.exp(-((y / 90) ** 2)) + rng.normal(0, 3, (512, 1))
    dark += np.where(rng.random(y.shape) < 0.002, 3000, 0)
    if shown:
        dark += 2 * (gaussian_filter(rng.normal(size=y.shape), 30) > 0)
    notes = read_dark((save("dark.dng", dark),), None).notes
    sentence = (
        "the dark frame dark.dng shows a picture, which is taken off the photo: check whether the lens was covered"
    )
    assert notes == ((sentence,) if shown else ())


def test_a_dark_frame_that_is_bright_in_parts_is_said(pattern: np.ndarray, save: Save, sensor: Sensor) -> None:
    """Nor hot pixels nor a glow of some thousand DN count, and one place is enough."""
    pattern[np.random.default_rng(4).random(pattern.shape) < 0.02] = 3000
    pattern[:20] += 2000
    whole, lit = save("whole.dng", pattern), pattern.copy()
    lit[48:64, 32:48] = np.random.default_rng(5).integers(0.4 * sensor.white, sensor.white, (16, 16))
    photo = save("photo.dng", pattern + 100.0, 3)
    assert read_exposure(photo, plain(whole)).frame.notes == ()
    sentence = (
        "the dark frame lit.dng is bright in parts (1.4% of it), which is taken off the photo: "
        "check whether the lens was covered, and the file is whole"
    )
    assert read_exposure(photo, plain(whole, save("lit.dng", lit))).frame.notes == (sentence,)


def test_the_black_level_that_a_dark_frame_speaks_against_is_said_of_the_photo(save: Save, sensor: Sensor) -> None:
    photo, dark = save("photo.dng", np.full((120, 160), 100.0)), np.zeros((120, 160))
    wrong = photo.with_name("wrong.dng")
    noise = np.random.default_rng(1).normal(0, READ, dark.shape)
    mosaic = np.rint(noise + sensor.black).clip(0).astype(np.uint16)
    write_dng(wrong, mosaic, replace(sensor, black=sensor.black + 188), read_raw(photo).metadata)
    assert read_exposure(photo, plain(save("right.dng", dark, 2))).frame.notes == ()
    [note] = read_exposure(photo, plain(wrong)).frame.notes
    assert note.startswith(f"the dark frame wrong.dng: black level {sensor.black + 188:g} is unlikely, since three of")


def test_enhance_subtracts_it_and_says_what_differs(
    pattern: np.ndarray, save: Save, model_folder: Path, tmp_path: Path
) -> None:
    photo, dark = save("photo.dng", pattern + 100.0), save("cap.dng", pattern, 2, iso=800)
    words = ["enhance", str(photo), "-o", str(tmp_path / "a.jpg"), "--model", str(model_folder), "--dark", str(dark)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.stderr
    assert "cap.dng was taken at ISO 800 and not 3200" in done.stderr.replace("\n", " ")


def test_a_photo_is_not_its_own_dark_frame(save: Save, pattern: np.ndarray, tmp_path: Path) -> None:
    photo = save("photo.dng", pattern + 50)
    (tmp_path / "link.dng").symlink_to(photo)
    for dark in (photo, tmp_path / "link.dng"):
        with pytest.raises(InputError, match=f"^{photo}: is its own dark frame; give --dark one that was shot with"):
            read_exposure(photo, plain(dark))
