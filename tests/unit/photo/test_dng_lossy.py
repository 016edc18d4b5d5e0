"""The small DNG, decoded by its own tags: the lossless one within the noise, at a quarter of its size."""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import tifffile

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.colour import CameraColours, srgb_decode, srgb_encode
from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
from darkdiff_cli.errors import InputError, SettingsError
from darkdiff_cli.formats import KINDS, Format
from darkdiff_cli.photo import PhotoSettings, Provenance, write_photo
from darkdiff_cli.raw import read_raw
from darkdiff_cli.raw.libraw_rendering import render_reference
from darkdiff_cli.raw.white_balance import camera_colours

pytestmark = pytest.mark.skipif(find_spec("imagecodecs") is None, reason="no imagecodecs (extra `formats`)")
NOTE = Provenance({"model": "tiny", "seed": 7})
CODES = 1023
REAL = "raws/ok/nikon_d750_DSC_1339_768x512.dng"
OF_THE_RAW = {273, 279, 330, 34665, 34853, 50706, 50707}  # where things lie, and the two versions

Write = Callable[..., tuple[Path, Path]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """write(picture): the lossless and the lossy file of it."""

    def both(
        picture: np.ndarray, camera: CameraColours | None = None, capture: CaptureMetadata | None = None
    ) -> tuple[Path, Path]:
        paths = tmp_path / "lossless.dng", tmp_path / "lossy.dng"
        for path in paths:
            settings = PhotoSettings("dng", 16, compression="lossy" if path.stem == "lossy" else None)
            write_photo(path, picture, capture or CaptureMetadata(), NOTE, settings, camera)
        return paths

    return both


def sensor_light(path: Path) -> np.ndarray:
    """(h, w, 3) what the file says that the sensor counted, of saturation, as DNG 1.7.1.0 chapter 5 maps raw values."""
    with tifffile.TiffFile(path) as tiff:
        [raw] = tiff.pages.first.pages
        values = raw.asarray()
        if 50712 in raw.tags:
            table = np.array(raw.tags[50712].value)
            values = table[np.minimum(values, len(table) - 1)]
        black = np.array(raw.tags[50714].value).reshape(3, 2)
        white = np.array(raw.tags[50717].value)
        stops = np.divide(*tiff.pages.first.tags[50730].value)
    black = black[:, 0] / black[:, 1]
    return (values - black) / (white - black) * 2**stops


def srgb(path: Path, camera: CameraColours) -> np.ndarray:
    light = sensor_light(path) @ np.linalg.inv(camera.sensor_from_srgb).T
    return srgb_encode(light.clip(0, 1).astype(np.float32))


def raw_bytes(path: Path) -> int:
    with tifffile.TiffFile(path) as tiff:
        return sum(tiff.pages.first.pages[0].databytecounts)


def differences(lossless: Path, lossy: Path, camera: CameraColours) -> tuple[np.ndarray, float]:
    """Of the sRGB pictures, in 1/255, and the size as a share of the lossless one's."""
    return np.abs(srgb(lossy, camera) - srgb(lossless, camera)) * 255, raw_bytes(lossy) / raw_bytes(lossless)


def test_a_clean_raw_differs_by_less_than_the_noise(shared: Path, write: Write) -> None:
    frame = read_raw(shared / REAL)
    camera = camera_colours(frame)
    error, share = differences(*write(render_reference(frame, size="full"), camera), camera)
    assert 0 < error.mean() < 0.5
    assert np.quantile(error, 0.999) < 3
    assert share < 0.4  # its noise is still in it


@pytest.mark.slow
def test_an_enhanced_raw_differs_by_less_than_the_noise(shared: Path, tmp_path: Path) -> None:
    files = tmp_path / "lossless.dng", tmp_path / "lossy.dng"
    enhancer = Enhancer("tiny", "auto")
    for path in files:
        photo = PhotoSettings("dng", 16, compression="lossy" if path.stem == "lossy" else "lossless")
        enhancer.enhance(shared / REAL, path, EnhanceSettings(photo=photo))
    error, share = differences(*files, camera_colours(read_raw(shared / REAL)))
    assert 0 < error.mean() < 0.5
    assert np.quantile(error, 0.999) < 3
    assert share < 0.3


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0, 2.0, 5.0, 10.0])
def test_neutral_shadows_stay_neutral(level: float, sensor, write: Write) -> None:
    """Of a camera whose red and blue count half of what green does; with and without grain."""
    matrix = CameraColours().sensor_from_srgb * np.array([[1 / 2.1], [1.0], [1 / 1.8]])
    camera = CameraColours(np.linalg.inv(matrix))
    for grain in (0.0, 1.0):
        noise = np.random.default_rng(0).normal(0, grain, (200, 300, 1))
        picture = ((level + noise).clip(0, None) / 255).repeat(3, axis=2).astype(np.float32)
        _, lossy = write(picture, camera)
        lossy_picture = srgb(lossy, camera)
        error = (lossy_picture - picture).mean(axis=(0, 1)) * 255
        assert np.abs(error).max() < 0.25
        assert np.ptp(error) < 0.25
        lossy.unlink()
        lossy.with_stem("lossless").unlink()


@pytest.mark.parametrize("shape", [(1, 1), (5, 17), (23, 300), (512, 512), (511, 513), (530, 1030)])
def test_any_size_comes_back(shape: tuple[int, int], write: Write) -> None:
    picture = np.random.default_rng(0).random((*shape, 3)).astype(np.float32)
    picture[0, 0] = 0, 0.5, 1
    _, lossy = write(picture)
    light = srgb_decode(picture)
    half_a_code = np.sqrt(light) / CODES + 0.25 / CODES**2
    assert (np.abs(sensor_light(lossy) - light) < half_a_code + 1.1 / 65535).all()  # the whole numbers of both files
    assert sensor_light(lossy)[0, 0, ::2].tolist() == [0, 1]


def test_tags_are_those_of_dng_1_7(write: Write) -> None:
    import imagecodecs

    _, lossy = write(np.random.default_rng(0).random((300, 700, 3)).astype(np.float32))
    with tifffile.TiffFile(lossy) as tiff:
        first = tiff.pages.first
        [raw] = first.pages
        assert (first.tags[50706].value, first.tags[50707].value) == (bytes((1, 7, 0, 0)),) * 2
        assert [raw.tags[code].value for code in (254, 258, 259, 262)] == [0, (16, 16, 16), 52546, 34892]
        assert (raw.tags[52553].value, raw.tags[52554].value) == (0.0, 5)
        assert [raw.tags[code].dtype.name for code in (50712, 52553, 52554)] == ["SHORT", "FLOAT", "LONG"]
        table = np.array(raw.tags[50712].value)
        tiles = [bytes(tiff.filehandle.read_segments([start], [size]).__next__()[0])
                 for start, size in zip(raw.dataoffsets, raw.databytecounts, strict=True)]  # fmt: skip
    assert (len(table), table[0], table[-1]) == (CODES + 1, 0, 65535)
    assert (np.diff(table) >= 0).all()
    for tile in tiles:
        codes = imagecodecs.jpegxl_decode(tile)
        assert (codes.shape, codes.dtype, int(codes.max()) <= CODES) == ((512, 512, 3), np.uint16, True)


def test_all_that_is_said_of_the_photo_is_the_same(capture: CaptureMetadata, write: Write) -> None:
    """Matrix, neutral, EXIF, preview, orientation: the first directory."""
    picture = np.random.default_rng(0).random((40, 60, 3)).astype(np.float32)
    files = []
    for path in write(picture, capture=capture):
        with tifffile.TiffFile(path) as tiff:
            first = tiff.pages.first
            said = {tag.code: tag.value for tag in first.tags if tag.code not in OF_THE_RAW}
            files.append((said, {code: first.tags[code].value for code in (34665, 34853)}, first.asarray().tolist()))
    assert files[0] == files[1]
    assert {50721, 50728, 50730, 274, 271, 700} <= files[0][0].keys()


def test_our_reader_refuses_it_in_a_sentence(write: Write) -> None:
    _, lossy = write(np.full((40, 60, 3), 0.5, dtype=np.float32))
    with pytest.raises(InputError, match="JPEG XL"):
        read_raw(lossy)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "dng"])
@pytest.mark.parametrize("compression", ["lossless", "lossy"])
def test_other_formats_have_no_choice(kind: Format, compression, tmp_path: Path) -> None:
    settings = PhotoSettings(kind, KINDS[kind].bit_depths[0], compression=compression)
    with pytest.raises(SettingsError) as refused:
        write_photo(tmp_path / "a", np.zeros((9, 9, 3), dtype=np.float32), CaptureMetadata(), NOTE, settings)
    assert str(refused.value) == f"--compression {compression} does not go with {kind}; it is for dng."


def test_a_missing_package_is_one_sentence(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    settings = PhotoSettings("dng", 16, compression="lossy")
    with pytest.raises(SettingsError) as refused:
        write_photo(tmp_path / "a.dng", np.zeros((9, 9, 3), dtype=np.float32), CaptureMetadata(), NOTE, settings)
    assert str(refused.value) == (
        "--compression lossy needs the package imagecodecs; run pip install 'darkdiff[formats]', or drop the option."
    )
    assert list(tmp_path.iterdir()) == []
