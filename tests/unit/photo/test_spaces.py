"""Colour spaces and their profiles, by LittleCMS: another implementation than ours."""

import io
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.colour import srgb_decode, srgb_encode
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.formats import KINDS
from darkdiff_cli.photo import PhotoSettings, Provenance, write_photo
from darkdiff_cli.photo.content import Photo
from darkdiff_cli.photo.icc import profile
from darkdiff_cli.photo.spaces import SPACES
from tests.unit.photo.kinds import stored

NOTE = Provenance({"seed": 7})
NAMES = list(SPACES)
needs_codecs = pytest.mark.skipif(find_spec("imagecodecs") is None, reason="imagecodecs is not installed")
# Linear light to XYZ, as CSS Color 4 publishes the matrices.
XYZ = {
    "srgb": ((0.41239, 0.35758, 0.18048), (0.21264, 0.71517, 0.07219), (0.01933, 0.11919, 0.95053)),
    "display-p3": ((0.48657, 0.26567, 0.19822), (0.22897, 0.69174, 0.07929), (0.0, 0.04511, 1.04394)),
    "adobe-rgb": ((0.57667, 0.18556, 0.18823), (0.29734, 0.62736, 0.07529), (0.02703, 0.07069, 0.99134)),
    "rec2020": ((0.63696, 0.14462, 0.16888), (0.26270, 0.67800, 0.05930), (0.0, 0.02807, 1.06099)),
    "prophoto": ((0.79777, 0.13518, 0.03134), (0.28807, 0.71184, 0.00009), (0.0, 0.0, 0.82511)),
}
# Of (1, 0, 0): XYZ under D50, as Lindbloom's tables give it.
RED_D50 = {
    "srgb": (0.4360747, 0.2225045, 0.0139322),
    "adobe-rgb": (0.6097559, 0.3111242, 0.0194811),
    "prophoto": (0.7976749, 0.2880402, 0.0000000),
}


@pytest.fixture(scope="module")
def cube() -> np.ndarray:
    """(17^2, 17, 3) sRGB: every corner of the cube and points all over it."""
    axis = np.linspace(0, 1, 17, dtype=np.float32)
    return np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(17 * 17, 17, 3)


def photo(picture: np.ndarray, colour: str) -> Photo:
    return Photo(picture, CaptureMetadata(), NOTE, PhotoSettings("tiff", 16, colour=colour))


def opened(content: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(content))


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_littlecms_opens_every_profile(name: str, linear: bool) -> None:
    content = profile(SPACES[name], linear)
    found = opened(content).profile
    assert (found.device_class, found.xcolor_space, found.connection_space) == ("mntr", "RGB ", "XYZ ")
    assert found.profile_description == SPACES[name].name + (", linear" if linear else "")
    assert found.version == pytest.approx(4.4)
    assert found.is_matrix_shaper
    assert len(content) < 1000
    assert int.from_bytes(content[:4], "big") == len(content)
    total = np.sum([found.red_colorant[0], found.green_colorant[0], found.blue_colorant[0]], axis=0)
    assert total == pytest.approx((0.9642, 1.0, 0.8249), abs=5e-5)  # ICC: white of RGB is white of the PCS
    if name in RED_D50:
        assert found.red_colorant[0] == pytest.approx(RED_D50[name], abs=3e-4)


@pytest.mark.parametrize("name", NAMES)
def test_littlecms_turns_our_pixels_back_into_srgb(name: str, cube: np.ndarray) -> None:
    """By our profile, in 8 bits: what these lose themselves is reckoned in, for a wide space is coarse in the dark."""
    space, there = SPACES[name], photo(cube, name).levels(8)
    x = there / 255
    linear = np.where(x < space.curve.d, space.curve.c * x, (space.curve.a * x + space.curve.b) ** space.curve.gamma)
    expected = srgb_encode(linear @ np.linalg.inv(space.from_srgb()).T) * 255
    ours = opened(profile(space))
    back = ImageCms.profileToProfile(Image.fromarray(there), ours, ImageCms.createProfile("sRGB"), 1)
    assert np.abs(np.asarray(back) - expected).max() <= 1
    assert np.abs(np.asarray(back) / 255 - cube).mean() < 1 / 255


@needs_codecs
@pytest.mark.parametrize("name", NAMES)
def test_littlecms_goes_there_and_back_in_16_bits(name: str, cube: np.ndarray) -> None:
    import imagecodecs

    ours, srgb = profile(SPACES[name]), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    levels = np.rint(cube * 65535).astype(np.uint16)
    settings = {"colorspace": "rgb", "outcolorspace": "rgb", "intent": 1, "flags": imagecodecs.CMS.FLAGS.NOOPTIMIZE}
    there = imagecodecs.cms_transform(levels, srgb, ours, **settings)
    assert np.abs(there / 65535 - photo(cube, name).levels(16) / 65535).max() < 2 / 255  # a power is steep at 0
    for sent in (there, photo(cube, name).levels(16)):
        back = imagecodecs.cms_transform(sent, ours, srgb, **settings)
        assert np.abs(back / 65535 - cube).max() < 1 / 255


@pytest.mark.parametrize("name", NAMES)
def test_primaries_are_those_of_the_standards(name: str) -> None:
    assert SPACES[name].xyz_from_rgb == pytest.approx(np.array(XYZ[name]), abs=3e-5)


@pytest.mark.parametrize("name", NAMES)
def test_white_and_black_stay(name: str) -> None:
    ends = np.array([[[0, 0, 0], [1, 1, 1]]], dtype=np.float32)
    assert photo(ends, name).levels(16).tolist() == [[[0, 0, 0], [65535, 65535, 65535]]]


@pytest.mark.parametrize("name", NAMES)
def test_curves_are_continuous_and_undone(name: str) -> None:
    curve = SPACES[name].curve
    x = np.linspace(0, 1, 4097)
    linear = np.where(x < curve.d, curve.c * x, (curve.a * x + curve.b) ** curve.gamma)
    assert np.abs(curve.encode(linear) - x).max() < 2e-5
    assert abs(curve.c * curve.d - (curve.a * curve.d + curve.b) ** curve.gamma) < 2e-5


def test_curves_are_those_of_the_standards() -> None:
    middle = np.array([0.18])
    assert SPACES["srgb"].curve.encode(middle) == pytest.approx(srgb_encode(middle))
    assert SPACES["adobe-rgb"].curve.encode(middle) == pytest.approx(0.18 ** (256 / 563))
    assert SPACES["rec2020"].curve.encode(middle) == pytest.approx(1.0993 * 0.18**0.45 - 0.0993, abs=1e-4)
    assert SPACES["prophoto"].curve.encode(middle) == pytest.approx(0.18 ** (1 / 1.8))


def test_floats_of_linear_light_keep_what_is_beyond_a_small_space(cube: np.ndarray, tmp_path: Path) -> None:
    """A colour of sRGB in sRGB's own light; Adobe RGB's red is sRGB's, so nothing leaves [0, 1] there either."""
    for name in NAMES:
        write_photo(tmp_path / name, cube, CaptureMetadata(), NOTE, PhotoSettings("tiff", 32, colour=name))
        light = stored(tmp_path / name, "tiff", 32)
        assert np.abs(light @ np.linalg.inv(SPACES[name].from_srgb()).T - srgb_decode(cube)).max() < 1e-5
        assert profile(SPACES[name], linear=True) in (tmp_path / name).read_bytes()


@pytest.mark.parametrize(("kind", "depth"), [("jpeg", 8), ("tiff", 16), ("webp", 8), ("png", 8), ("avif", 10)])
def test_every_format_carries_the_profile(kind: str, depth: int, cube: np.ndarray, tmp_path: Path) -> None:
    if depth in KINDS[kind].packages:
        pytest.importorskip(KINDS[kind].packages[depth], reason="extra `formats`")
    path = tmp_path / ("a" + KINDS[kind].suffixes[0])
    write_photo(path, cube, CaptureMetadata(), NOTE, PhotoSettings(kind, depth, colour="prophoto"))
    with Image.open(path) as image:
        assert image.info["icc_profile"] == profile(SPACES["prophoto"])
        assert image.getexif().get_ifd(34665)[40961] == 65535  # uncalibrated: not sRGB


@pytest.mark.parametrize(("kind", "instead"), [("jxl", "; use srgb"), ("dng", ", which holds the camera's own")])
def test_some_formats_have_no_other_colour_space(kind: str, instead: str, cube: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"--colour prophoto does not go with {kind}{instead}"):
        write_photo(tmp_path / "a", cube, CaptureMetadata(), NOTE, PhotoSettings(kind, 16, colour="prophoto"))
