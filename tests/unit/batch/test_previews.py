"""The small pictures of a photo: the same place, the same exposure, few bytes, and none of another photo."""

import base64
import errno
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darkdiff_cli.batch.album.pictures import BYTES, CROP_BYTES, SIDE, pictures_of
from darkdiff_cli.batch.album.previews import FOLDER, Preview, keep_preview, kept_preview, make_preview, shot_of
from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.capture.words import shutter
from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import srgb_encode
from darkdiff_cli.enhancer import Rendered
from darkdiff_cli.errors import OutputError
from darkdiff_cli.photo import upright
from darkdiff_cli.raw import Exposure, RawFrame, develop
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.resizing import no_longer, resized, with_square_pixels
from darkdiff_cli.synthesis.unprocess import QUAD_BAYER
from darkdiff_models import SamplingSettings
from darkdiff_models.tiling.planner import Plan
from darkdiff_models.tiling.tiles import Tiles

RATIO = 20.0
X_TRANS = Cfa(("GBGGRG", "RGRBGB", "GBGGRG", "GRGGBG", "BGBRGR", "GRGGBG"))


def night(high: int = 1000, wide: int = 1200, noise: float = 0.0, **more) -> RawFrame:
    """A grey scene of smooth blobs, one of them striped, RATIO times too dark, in whole photosites."""
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    light = 0.35 + 0.2 * np.sin(x / 70) * np.cos(y / 50)
    light += 0.25 * np.sin(x / 3) * np.exp(-(((x - 0.7 * wide) / 90) ** 2) - ((y - 0.3 * high) / 90) ** 2)
    grain = np.random.default_rng(0).normal(0, noise, light.shape)
    mosaic = (512 + light * 10_000 / RATIO + grain).astype(np.float32)
    frame = {"cfa": Cfa.bayer("RGGB"), "black_level": BlackLevel.uniform(512.0), "white_level": 10_512.0}
    return RawFrame(mosaic, **{**frame, "white_balance": (1.0, 1.0, 1.0), "srgb_from_camera": np.eye(3), **more})


def rendered(frame: RawFrame, full: bool = False, gain: float = 1.0) -> Rendered:
    """The photo that a perfect model would make of a noiseless frame."""
    picture = srgb_encode(develop(frame, RATIO).pixels * np.float32(gain))
    if full:
        light = (frame.mosaic_dn - 512) * np.float32(RATIO * gain / 10_000)
        picture = np.repeat(srgb_encode(light)[..., None], 3, axis=2)
    sampling, plan = SamplingSettings(), Plan(Tiles.cover(64, 64, 64, 16), 1)
    shown = with_square_pixels(picture, frame.pixel_aspect)
    return Rendered(shown, Exposure(frame, RATIO), sampling, plan, gain=gain)  # type: ignore[arg-type]


def opened(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data))).astype(np.float32) / 255


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("full", [False, True])
def test_before_and_after_show_the_same_place_at_the_same_exposure(orientation: int, full: bool) -> None:
    made = rendered(night(orientation=orientation), full, gain=1.2)
    found = pictures_of(made, with_photo=True)
    photo = upright(made.srgb_01, orientation)
    assert found.size == photo.shape[1::-1]
    crop = found.crop.of(photo)
    assert crop.shape[:2] == (360, 480)
    assert np.abs(opened(found.crop_before) - crop).mean() < 0.02
    assert np.abs(opened(found.crop_after) - crop).mean() < 0.02
    before, after = opened(found.before), opened(found.after)
    assert before.shape[0] / before.shape[1] == pytest.approx(photo.shape[0] / photo.shape[1], abs=0.01)
    small = resized(photo, *before.shape[:2])
    assert np.abs(before - small).mean() < 0.01
    assert np.abs(after - resized(photo, *after.shape[:2])).mean() < 0.01


def test_quad_bayer_is_shown_photosite_by_photosite() -> None:
    """LRGB has a quarter of the sensor's sides: stripes of two photosites cannot be seen in it."""
    fine = night(cfa=QUAD_BAYER)
    stripes = np.indices(fine.mosaic_dn.shape).sum(axis=0) // 2 % 2
    made = rendered(replace(fine, mosaic_dn=fine.mosaic_dn + 60 * stripes), full=True)
    found = pictures_of(made, with_photo=True)
    right, shown = (picture.mean(axis=2) for picture in (found.crop.of(made.srgb_01), opened(found.crop_before)))
    assert np.corrcoef(np.diff(right).ravel(), np.diff(shown).ravel())[0, 1] > 0.5


@pytest.mark.parametrize("long_side", [1000, 400])
def test_a_photo_that_was_made_smaller_is_compared_with_the_raw_at_its_size(long_side: int) -> None:
    photo = rendered(night(), full=True)
    made = pictures_of(replace(photo, srgb_01=no_longer(photo.srgb_01, long_side)), with_photo=True)
    assert made.size == (long_side, round(long_side / 1.2))
    before, after = opened(made.crop_before), opened(made.crop_after or b"")
    assert before.shape == after.shape
    assert np.abs(before - after).mean() < 0.01


def test_the_crop_is_where_the_detail_is() -> None:
    found = pictures_of(rendered(night(1600, 2400), full=True), with_photo=False)
    top, left, height, width = found.crop
    assert top <= 0.3 * 1600 <= top + height
    assert left <= 0.7 * 2400 <= left + width
    assert (found.after, found.crop_after) == (None, None)


def test_pixels_that_are_not_square_are_shown_square() -> None:
    made = rendered(night(pixel_aspect=2.0))
    found = pictures_of(made, with_photo=False)
    crop = found.crop.of(made.srgb_01)
    assert opened(found.crop_before).shape == crop.shape
    assert np.abs(opened(found.crop_before) - crop).mean() < 0.03


@pytest.mark.parametrize("cfa", [None, Cfa.monochrome(), Cfa.bayer("BGGR"), X_TRANS])
def test_any_filter_and_any_size_has_pictures(cfa) -> None:
    mosaic = np.full((7, 9) if cfa else (7, 9, 3), 700.0, np.float32)
    made = rendered(replace(night(), mosaic_dn=mosaic, cfa=cfa))
    found = pictures_of(made, with_photo=True)
    assert found.crop[2:] == made.srgb_01.shape[:2]


def test_noise_takes_no_more_bytes_than_it_may() -> None:
    """The worst that there is: noise that fills the range, at every pixel."""
    made = rendered(night(1400, 2000, noise=2000.0), full=True)
    found = pictures_of(made, with_photo=True)
    for data in (found.before, found.after):
        assert len(data) <= BYTES
        assert SIDE / 2 < max(opened(data).shape) <= SIDE
    assert len(found.crop_before) <= CROP_BYTES


def test_a_preview_is_kept_for_its_photo_alone(tmp_path: Path) -> None:
    made = rendered(night(80, 120))
    preview = make_preview("key", made, "tiff")
    assert base64.b64decode(preview.after or "").startswith(b"\xff\xd8")
    assert make_preview("key", made, "jpeg").after is None
    photo = "card 1/" + "n" * 250 + "\udcff.tif"
    keep_preview(tmp_path, photo, preview)
    assert kept_preview(tmp_path, photo, "key") == replace(preview, crop=list(preview.crop))  # type: ignore[arg-type]
    assert kept_preview(tmp_path, photo, "made otherwise") is None
    assert kept_preview(tmp_path, "other.tif", "key") is None
    [file] = (tmp_path / FOLDER).iterdir()
    odd = [{"crop": [1, 2]}, {"crop": 3}, {"width": "9"}, {"shot": []}, {"before": None}, {"shot": {"a": "b" * 10**6}}]
    wrong = [json.dumps(json.loads(file.read_text()) | values) for values in odd]
    for broken in ("", "{", "[]", '{"key": "key"}', '{"key": "key", "new": 1}', *wrong):
        file.write_text(broken)
        assert kept_preview(tmp_path, photo, "key") is None


@pytest.fixture(scope="module")
def preview() -> Preview:
    return make_preview("key", rendered(night(80, 120)), "jpeg")


def test_a_store_that_is_no_folder_is_one_sentence(tmp_path: Path, preview: Preview) -> None:
    (tmp_path / FOLDER).touch()
    with pytest.raises(OutputError, match=rf"{FOLDER}: is no folder, and previews belong there; move it away\.$"):
        keep_preview(tmp_path, "a.jpg", preview)
    assert [path.name for path in tmp_path.iterdir()] == [FOLDER]


def test_a_store_that_leads_elsewhere_is_neither_written_nor_read(tmp_path: Path, preview: Preview) -> None:
    (tmp_path / "out").mkdir()
    keep_preview(tmp_path, "a.jpg", preview)
    others = sorted((tmp_path / FOLDER).iterdir())
    (tmp_path / "out" / FOLDER).symlink_to(tmp_path / FOLDER)
    with pytest.raises(OutputError, match="is a link, which is not written through"):
        keep_preview(tmp_path / "out", "b.jpg", preview)
    assert sorted((tmp_path / FOLDER).iterdir()) == others
    assert kept_preview(tmp_path / "out", "a.jpg", "key") is None


def test_a_full_disk_is_told_by_a_folder_that_the_user_knows(
    tmp_path: Path, preview: Preview, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_partial: Path, *_words: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OutputError) as told:
        keep_preview(tmp_path, "a.jpg", preview)
    assert str(told.value) == f"{tmp_path}: the disk is full; free some space or choose another folder."


def test_the_shot_in_words() -> None:
    known = CaptureMetadata("Sony", "ILCE-7SM2", None, 1 / 30, 1.8, 3200, 55.0, "2024:01:02 03:04:05")
    assert list(shot_of(known).values()) == ["1/30 s", "f/1.8", "3200", "Sony ILCE-7SM2", "2024-01-02 03:04:05"]
    dark = CaptureMetadata("Canon", "Canon EOS R6", exposure_time=2.5, iso=65535, exif={34864: 2, 34866: 102400})
    assert shot_of(dark) == {"Shutter": "2.5 s", "ISO": "102400", "Camera": "Canon EOS R6"}
    assert shot_of(CaptureMetadata(exposure_time=0.0, iso=None)) == {}
    words = [shutter(seconds) for seconds in (30.0, 0.3, 0.25, 0.2, 0.125, 0.03, 1 / 8000)]
    assert words == ["30 s", "0.3 s", "1/4 s", "1/5 s", "1/8 s", "1/33 s", "1/8000 s"]
