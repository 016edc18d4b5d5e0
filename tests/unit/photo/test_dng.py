"""The linear DNG, opened by LibRaw and by our own reader: the same picture, and a white balance that can be changed."""

import shutil
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import rawpy
import tifffile
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.colour import CameraColours, srgb_decode
from darkdiff_cli.gamut import OutsideSrgb
from darkdiff_cli.photo import PhotoSettings, Provenance, write_photo
from darkdiff_cli.photo.dng import stored
from darkdiff_cli.raw import RawFrame, develop, read_raw
from darkdiff_cli.raw.reader import ENHANCED
from darkdiff_cli.raw.rendering import render_linear
from darkdiff_cli.raw.white_balance import camera_colours, light_balance
from darkdiff_cli.synthesis import Sensor, unprocess
from darkdiff_cli.synthesis import write_dng as write_raw

NOTE = Provenance({"model": "tiny", "seed": 7})
LIBRAW = {"no_auto_bright": True, "output_bps": 16, "gamma": (2.4, 12.92), "adjust_maximum_thr": 0.0, "user_flip": 0}
BLOCK = 32  # pixels
CLEAN = (
    "scenes_full/kodim03_x1.dng",
    "scenes_full/mcm03_x1.dng",
    "raws/ok/nikon_d750_DSC_1339_768x512.dng",
    "raws/ok/photoprism_canon_eos_6d.dng",
)
PACKED = [
    pytest.param(True, marks=pytest.mark.skipif(find_spec("imagecodecs") is None, reason="no imagecodecs")),
    False,
]


@pytest.fixture
def clean(photograph, sensor: Sensor, capture: CaptureMetadata, tmp_path: Path) -> RawFrame:
    """A noise-free raw of the photograph, enlarged to 400x560 pixels of LRGB, more than one tile."""
    large = photograph.repeat(10, axis=0).repeat(10, axis=1)
    mosaic = np.rint(unprocess(large, sensor)).astype(np.uint16)
    write_raw(tmp_path / "clean.dng", mosaic, sensor, capture)
    return read_raw(tmp_path / "clean.dng")


def written(path: Path, picture: np.ndarray, frame: RawFrame, capture: CaptureMetadata | None = None) -> Path:
    settings = PhotoSettings("dng", 16, overwrite=True)
    write_photo(path, picture, capture or frame.metadata, NOTE, settings, camera_colours(frame))
    return path


def rendered(path: Path, **options: object) -> np.ndarray:
    """(h, w, 3) sRGB in [0, 1] by LibRaw."""
    with rawpy.imread(str(path)) as raw:
        return raw.postprocess(**LIBRAW, **options) / 65535


def stored_dn(path: Path) -> np.ndarray:
    """(h, w, 3) what LibRaw decodes, of white."""
    with rawpy.imread(str(path)) as raw:
        return raw.raw_image[..., :3] / 65535


def tag(path: Path, code: int) -> object:
    with tifffile.TiffFile(path) as tiff:
        return tiff.pages.first.tags[code].value


LIGHTS = (2856.0, 4000.0, 9000.0)  # kelvin


def rendering_error(picture: np.ndarray, path: Path) -> np.ndarray:
    """Of LibRaw's rendering of a DNG, in 8-bit levels."""
    return np.abs(rendered(path, use_camera_wb=True) - picture) * 255


def in_another_light(frame: RawFrame, path: Path, kelvin: float) -> tuple[float, float]:
    """By how many levels another light changes the DNG, and how far it then is from the raw (CIEDE2000)."""
    red, green, blue = light_balance(frame, kelvin)
    balance = [red, green, blue, green]
    of_dng = rendered(path, user_wb=balance)
    of_raw = rendered(frame.path, user_wb=balance, half_size=True)
    change = np.abs(of_dng - rendered(path, use_camera_wb=True)).mean() * 255
    return float(change), float(deltaE_ciede2000(lab_blocks(of_dng), lab_blocks(of_raw)).mean())


def lab_blocks(picture: np.ndarray) -> np.ndarray:
    high, wide = (length // BLOCK for length in picture.shape[:2])
    whole = picture[: high * BLOCK, : wide * BLOCK]
    return rgb2lab(whole.reshape(high, BLOCK, wide, BLOCK, 3).mean(axis=(1, 3)))


@pytest.mark.parametrize("packed", PACKED)
def test_libraw_renders_the_picture(packed: bool, clean: RawFrame, tmp_path: Path, monkeypatch) -> None:
    if not packed:
        monkeypatch.setitem(sys.modules, "imagecodecs", None)
    picture = render_linear(develop(clean))
    path = written(tmp_path / "a.dng", picture, clean)
    error = rendering_error(picture, path)
    assert error.mean() < 1
    assert np.quantile(error, 0.999) < 3
    size = picture.size * 2
    assert path.stat().st_size < size / 2 if packed else path.stat().st_size > size


@pytest.mark.parametrize("shape", [(23, 300), (300, 23), (33, 47), (246, 246), (257, 255)])
def test_any_size_comes_back(shape: tuple[int, int], tmp_path: Path) -> None:
    picture = np.random.default_rng(0).random((*shape, 3)).astype(np.float32)
    write_photo(tmp_path / "a.dng", picture, CaptureMetadata(), NOTE, PhotoSettings("dng", 16))
    assert np.abs(stored_dn(tmp_path / "a.dng") - srgb_decode(picture)).max() < 1e-5


@pytest.mark.parametrize("kelvin", LIGHTS)
def test_the_light_can_be_changed(kelvin: float, clean: RawFrame, tmp_path: Path) -> None:
    path = written(tmp_path / "a.dng", render_linear(develop(clean)), clean)
    change, difference = in_another_light(clean, path, kelvin)
    assert change > 2  # it is another light
    assert difference < 2


@pytest.mark.parametrize("name", CLEAN)
def test_clean_scenes_stay_raws(name: str, shared: Path, tmp_path: Path) -> None:
    frame = read_raw(shared / name)
    picture = render_linear(develop(frame))
    path = written(tmp_path / "a.dng", picture, frame)
    error = rendering_error(picture, path)
    assert error.mean() < 1
    assert np.quantile(error, 0.999) < 3
    for change, difference in (in_another_light(frame, path, kelvin) for kelvin in LIGHTS):
        assert change > 2
        assert difference < 2


def test_our_reader_finds_the_camera_again(clean: RawFrame, tmp_path: Path) -> None:
    found = read_raw(written(tmp_path / "a.dng", render_linear(develop(clean)), clean))
    assert (found.cfa, found.orientation, found.white_level) == (None, 1, 65535)
    assert (ENHANCED in found.notes, ENHANCED in clean.notes) == (True, False)
    assert found.white_balance == pytest.approx(clean.white_balance, rel=1e-5)
    assert found.daylight == pytest.approx(clean.daylight, rel=1e-3)
    assert found.srgb_from_camera == pytest.approx(clean.srgb_from_camera, abs=1e-3)
    assert (found.metadata.make, found.metadata.iso) == (clean.metadata.make, clean.metadata.iso)
    assert np.abs(render_linear(develop(found)) - render_linear(develop(clean))).max() < 1 / 255


def test_a_balance_of_the_user_is_the_shot_of_the_dng(clean: RawFrame, tmp_path: Path) -> None:
    warmer = replace(clean, white_balance=(1.3, 1.0, 2.9))
    picture = render_linear(develop(warmer))
    path = written(tmp_path / "a.dng", picture, warmer)
    assert read_raw(path).white_balance == pytest.approx((1.3, 1.0, 2.9), rel=1e-5)
    error = rendering_error(picture, path)
    assert error.mean() < 1
    assert np.quantile(error, 0.999) < 3


def test_a_camera_that_nobody_knows_sees_srgb(clean: RawFrame, tmp_path: Path) -> None:
    unknown = replace(clean, srgb_from_camera=None, daylight=None, dng=None)
    picture = render_linear(develop(unknown))
    path = written(tmp_path / "a.dng", picture, unknown)
    error = rendering_error(picture, path)
    assert error.mean() < 1
    assert np.quantile(error, 0.999) < 3
    assert read_raw(path).white_balance == pytest.approx(clean.white_balance, rel=1e-5)


def test_what_lies_above_the_sensors_range_is_kept(tmp_path: Path) -> None:
    """A camera whose matrix takes pure colours of sRGB above saturation, and below black."""
    camera = CameraColours(np.linalg.inv([[1.3, -0.2, -0.1], [-0.1, 1.25, -0.15], [-0.2, 0.0, 1.2]]))
    corners = np.stack(np.meshgrid(*[np.linspace(0, 1, 4)] * 3), axis=-1).reshape(1, 64, 3)
    picture = corners.repeat(40, axis=0).astype(np.float32)
    write_photo(tmp_path / "a.dng", picture, CaptureMetadata(), NOTE, PhotoSettings("dng", 16), camera)
    stops = Fraction(*tag(tmp_path / "a.dng", 50730))
    assert 2**stops == pytest.approx(1.3, abs=1e-4)
    expected = srgb_decode(picture) @ camera.sensor_from_srgb.T
    assert expected.max() == pytest.approx(1.3)
    assert np.abs(stored_dn(tmp_path / "a.dng") * 1.3 - expected.clip(0, None)).max() < 1e-4
    inside = (expected >= 0).all(axis=-1)
    brightened = rendered(tmp_path / "a.dng", use_camera_wb=True, bright=1.3)
    assert np.abs(brightened - picture)[inside].max() < 3 / 255


def test_colours_beyond_srgb_do_not_make_the_picture_darker(clean: RawFrame, tmp_path: Path) -> None:
    camera = CameraColours(np.linalg.inv([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.1, 0.3, 0.6]]))
    picture = np.full((40, 60, 3), 0.5, np.float32)
    picture[:, 30:] = 1.0, 1.0, 0.0  # and far more red, it is said
    outside = OutsideSrgb(np.zeros((1, 1, 3), np.float32), np.array([[[0.8, 0.0, 0.0]]], np.float32))
    write_photo(tmp_path / "a.dng", picture, CaptureMetadata(), NOTE, PhotoSettings("dng", 16), camera, outside)
    assert tag(tmp_path / "a.dng", 50730) == (0, 1)
    dn = stored_dn(tmp_path / "a.dng")
    assert dn[20, 10] == pytest.approx([0.2140] * 3, abs=1e-4)
    assert dn[20, 50] == pytest.approx([1.0, 1.0, 0.48], abs=1e-4)


def test_a_picture_inside_the_range_is_not_scaled(clean: RawFrame, tmp_path: Path) -> None:
    path = written(tmp_path / "a.dng", render_linear(develop(clean)), clean)
    assert tag(path, 50730) == (0, 1)
    ends = np.array([[[0.0, 0.5, 1.0]]], dtype=np.float32)
    pixels, headroom = stored(ends)
    assert (pixels.tolist(), headroom) == ([[[0, 32768, 65535]]], 1.0)


@pytest.mark.parametrize(
    ("make", "model", "name"),
    [
        ("NIKON CORPORATION", "NIKON D750", "Nikon D750"),
        ("Canon", "Canon EOS 6D", "Canon EOS 6D"),
        ("Canon", "Canon EOS R6m2", "Canon EOS R6 Mark II"),
        ("SONY", "ILCE-7M2", "Sony ILCE-7M2"),
        ("FUJIFILM", "X-T2", "Fujifilm X-T2"),
        ("OLYMPUS CORPORATION", "E-M1MarkIII", "Olympus E-M1 Mark III"),
        ("OLYMPUS IMAGING CORP.", "E-M5", "Olympus E-M5"),
        ("OM Digital Solutions", "OM-1", "OM Digital Solutions OM-1"),
        ("RICOH IMAGING COMPANY, LTD.", "PENTAX K-1", "Pentax K-1"),
        ("LEICA CAMERA AG", "C-Lux", "Leica C-Lux"),
        ("Phase One A/S", "P45", "Phase One P45"),
        ("Hasselblad", "Hasselblad H3D", "Hasselblad H3D"),
        (None, "Pixel 7", "Pixel 7"),
        ("Google", None, "Google"),
        (None, None, "darkdiff"),
    ],
)
def test_the_camera_is_named_as_profiles_name_it(
    make: str | None, model: str | None, name: str, clean: RawFrame, capture: CaptureMetadata, tmp_path: Path
) -> None:
    frame = replace(clean, dng=None)  # one that names its camera itself
    path = written(tmp_path / "a.dng", render_linear(develop(frame)), frame, replace(capture, make=make, model=model))
    with tifffile.TiffFile(path) as tiff:
        assert tiff.pages.first.tags[50708].value == name


def test_tags_are_those_of_the_specification(clean: RawFrame, capture: CaptureMetadata, tmp_path: Path) -> None:
    lens = (Fraction(24), Fraction(70), Fraction(14, 5), None)
    shot = replace(capture, exif={42034: lens, 42033: "0012345"})
    picture = render_linear(develop(clean))
    path = written(tmp_path / "a.dng", picture, clean, shot)
    with tifffile.TiffFile(path) as tiff:
        first = tiff.pages.first
        [raw] = first.pages
        assert (first.tags[254].value, first.tags[259].value, first.tags[262].value) == (1, 7, 6)
        assert (raw.tags[254].value, raw.tags[262].value, raw.tags[258].value) == (0, 34892, (16, 16, 16))
        assert (raw.tags[50714].value, raw.tags[50717].value) == ((0, 1) * 3, (65535,) * 3)
        values = {code: first.tags[code].value for code in (271, 272, 274, 50706, 50707, 50708, 50778, 50736, 50735)}
    assert values == {
        271: "Sony", 272: "ILCE-7SM2", 274: 1, 50706: bytes((1, 4, 0, 0)), 50707: bytes((1, 1, 0, 0)),
        50708: "ILCE-7SM2", 50778: 21, 50736: (24, 1, 70, 1, 14, 5, 0, 0), 50735: "0012345",
    }  # fmt: skip


@pytest.mark.parametrize("packed", PACKED)
def test_compression_is_stated(packed: bool, clean: RawFrame, tmp_path: Path, monkeypatch) -> None:
    if not packed:
        monkeypatch.setitem(sys.modules, "imagecodecs", None)
    path = written(tmp_path / "a.dng", render_linear(develop(clean)), clean)
    with tifffile.TiffFile(path) as tiff:
        first = tiff.pages.first
        assert [page.tags[259].value for page in (first, *first.pages)] == [7, 7 if packed else 1]


def test_the_preview_is_the_picture(clean: RawFrame, tmp_path: Path) -> None:
    picture = render_linear(develop(clean))
    path = written(tmp_path / "a.dng", picture, clean)
    with rawpy.imread(str(path)) as raw:
        thumb = raw.extract_thumb()
    assert thumb.format is rawpy.ThumbFormat.JPEG
    (tmp_path / "thumb.jpg").write_bytes(thumb.data)
    for file in ("thumb.jpg", "a.dng"):  # a program without a raw decoder opens the preview
        with Image.open(tmp_path / file) as image:
            assert np.abs(np.asarray(image) / 255 - picture).mean() < 1.5 / 255


@pytest.mark.parametrize("command", ["dcraw", "rawtherapee-cli", "darktable-cli"])
def test_other_converters_open_it(command: str, clean: RawFrame, tmp_path: Path) -> None:
    program = shutil.which(command)
    if program is None:
        pytest.skip(f"{command} is not installed")
    picture = render_linear(develop(clean))
    path = written(tmp_path / "a.dng", picture, clean)
    arguments = {
        "dcraw": ["-w", "-W", "-6", "-T", "-g", "2.4", "12.92", path],  # writes a.tiff beside it
        "rawtherapee-cli": ["-o", tmp_path / "a.tif", "-t", "-Y", "-c", path],
        "darktable-cli": [path, tmp_path / "a.tif"],
    }[command]
    subprocess.run([program, *map(str, arguments)], check=True, capture_output=True, timeout=120)
    [file] = tmp_path.glob("a.tif*")
    made = tifffile.imread(file)[..., :3].astype(np.float64)
    made /= np.iinfo(np.uint16).max if made.max() > 255 else 255
    assert made.shape == picture.shape
    assert np.corrcoef(made.ravel(), picture.ravel())[0, 1] > 0.95
    if command != "darktable-cli":  # which lays a curve of its own over every raw
        assert np.abs(made - picture).mean() * 255 < 1
