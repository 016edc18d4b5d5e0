"""`--quality`: how much is lost, in the formats that lose something."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.formats import KINDS, Format
from darkdiff_cli.photo import PhotoSettings, Provenance, write_photo
from darkdiff_cli.photo.boxed import jxl_distance
from tests.unit.photo.kinds import ALL, stored

NOTE = Provenance({"model": "tiny"})
LOSSY = [case for case in ALL if case.values[0] in ("jpeg", "avif", "jxl", "webp")]
USUAL: dict[str, int] = {"jpeg": 95, "avif": 90, "webp": 95}


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """(128, 192, 3) sRGB: smooth colours with fine grain."""
    y, x = np.mgrid[0:128, 0:192].astype(np.float32)
    smooth = np.stack([x / 192, y / 128, 0.5 + 0.3 * np.sin(x / 11)], axis=-1)
    grain = np.random.default_rng(0).normal(0, 0.03, smooth.shape)
    return np.clip(smooth * 0.8 + 0.1 + grain, 0, 1).astype(np.float32)


def written(path: Path, picture: np.ndarray, kind: Format, depth: int, quality: int | None) -> bytes:
    settings = PhotoSettings(kind, depth, overwrite=True, quality=quality)
    write_photo(path, picture, CaptureMetadata(), NOTE, settings)
    return path.read_bytes()


@pytest.mark.parametrize(("kind", "depth", "name"), LOSSY)
def test_less_is_a_smaller_file_that_is_further_from_the_picture(kind, depth, name, picture, tmp_path: Path) -> None:
    sizes, errors = [], []
    for quality in (1, 30, 70, 95, 100):
        sizes.append(len(written(tmp_path / name, picture, kind, depth, quality)))
        errors.append(np.abs(stored(tmp_path / name, kind, depth) / (2**depth - 1) - picture).mean())
    assert sizes == sorted(set(sizes))
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize(("kind", "depth", "name"), LOSSY)
def test_the_usual_quality_is_the_one_that_the_documents_name(kind, depth, name, picture, tmp_path: Path) -> None:
    usual = written(tmp_path / name, picture, kind, depth, None)
    if kind == "jxl":  # a distance, which is no whole number of this scale
        assert len(written(tmp_path / name, picture, kind, depth, 93)) < len(usual)
        assert len(usual) < len(written(tmp_path / name, picture, kind, depth, 98))
    else:
        assert written(tmp_path / name, picture, kind, depth, USUAL[kind]) == usual
        assert written(tmp_path / name, picture, kind, depth, USUAL[kind] - 1) != usual


@pytest.mark.parametrize("quality", [1, 50, 75, 100])
def test_a_jpeg_has_the_tables_of_its_quality_and_all_of_its_colour(quality: int, picture, tmp_path: Path) -> None:
    """Whatever the quality: half the colour would show on lamps."""
    written(tmp_path / "a.jpg", picture, "jpeg", 8, quality)
    known = io.BytesIO()
    Image.new("RGB", (8, 8)).save(known, "JPEG", quality=quality)
    with Image.open(tmp_path / "a.jpg") as made, Image.open(known) as other:
        assert made.quantization == other.quantization
        assert [layer[1:3] for layer in made.layer] == [(1, 1)] * 3


def test_distances_are_those_of_libjxl_and_never_none() -> None:
    """JxlEncoderDistanceFromQuality of libjxl 0.11, but for 100: 0 is another kind of file."""
    given = {1: 23.867667, 10: 15.266667, 29: 6.507667, 30: 6.4, 90: 1.0, 95: 0.55, 99: 0.19, 100: 0.1}
    assert {quality: round(jxl_distance(quality), 6) for quality in given} == given


@pytest.mark.parametrize("kind", ["tiff", "png", "exr", "dng"])
def test_formats_that_lose_nothing_have_no_quality(kind: Format, tmp_path: Path) -> None:
    settings = PhotoSettings(kind, KINDS[kind].bit_depths[0], quality=80)
    with pytest.raises(SettingsError) as refused:
        write_photo(tmp_path / "a", np.zeros((9, 9, 3), dtype=np.float32), CaptureMetadata(), NOTE, settings)
    assert str(refused.value) == f"--quality 80 does not go with {kind}; it is for jpeg, avif, jxl or webp."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("quality", [0, 101, -5])
def test_a_quality_is_one_of_a_hundred(quality: int, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"--quality {quality}: must be from 1 to 100."):
        written(tmp_path / "a.jpg", np.zeros((9, 9, 3), dtype=np.float32), "jpeg", 8, quality)
