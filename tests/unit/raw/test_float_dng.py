"""DNGs of float samples keep fractions and negative values."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from darkdiff_cli.raw import read_raw
from darkdiff_cli.raw.dng_tags import SAMPLE_FORMAT, DngTags
from darkdiff_cli.raw.levels import sensor_dn


def write_float_dng(
    path: Path, samples: np.ndarray, black: tuple[int, int], white: int, neutral: tuple[int, ...] = (1, 2, 1, 1, 1, 2)
) -> None:
    tags = [
        (33421, "H", 2, (2, 2), True),
        (33422, "B", 4, bytes((0, 1, 1, 2)), True),
        (50706, "B", 4, bytes((1, 4, 0, 0)), True),
        (50714, "2I", 1, black, True),
        (50717, "I", 1, white, True),
        (50728, "2I", 3, neutral, True),
    ]
    tifffile.imwrite(path, samples.astype(np.float32), photometric=32803, metadata=None, extratags=tags)


@pytest.mark.parametrize(("white", "scale"), [(1, 16_383.0), (60_000, 16_383 / 60_000), (10_000, 1.0)])
def test_samples_are_read_as_they_are(white: int, scale: float, tmp_path: Path) -> None:
    """LibRaw would cut half a DN off the mean, and all that is below 0."""
    rng = np.random.default_rng(0)
    samples = (white * (0.001 * rng.normal(0, 1, (64, 64)) + 0.002)).astype(np.float32)
    samples[0, 0] = 1.2 * white  # above white, as highlights of merged exposures are
    write_float_dng(tmp_path / "float.dng", samples, (white, 1000), white)
    frame = read_raw(tmp_path / "float.dng")
    assert frame.white_level == pytest.approx(white * scale)
    assert frame.black_level.mean == pytest.approx(white * scale / 1000)
    assert frame.mosaic_dn == pytest.approx(samples * scale, rel=1e-5)
    assert frame.mosaic_dn.min() < 0


def test_samples_that_only_libraw_reads_get_their_half_dn_back(tmp_path: Path) -> None:
    (tmp_path / "compressed.dng").write_bytes(b"no TIFF")
    decoded = np.array([[500, 501]], np.uint16)
    samples = sensor_dn(decoded, tmp_path / "compressed.dng", DngTags({SAMPLE_FORMAT: (3, (3,))}))
    assert samples.dn.tolist() == [[500.5, 501.5]]
    assert samples[1:] == (16_383.0, 0)
    whole = sensor_dn(decoded, tmp_path / "compressed.dng", DngTags({SAMPLE_FORMAT: (3, (1,))}))
    assert whole.dn is decoded
    assert whole[1:] == (1.0, 0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, 17.0])
def test_many_samples_that_are_no_light_have_a_note(value: float, tmp_path: Path) -> None:
    """A few are mended as dead and hot photosites are."""
    samples = np.random.default_rng(0).uniform(0.001, 0.1, (64, 64)).astype(np.float32)
    samples[0, :20] = value
    write_float_dng(tmp_path / "few.dng", samples, (1, 1000), 1)
    assert read_raw(tmp_path / "few.dng").notes == ()
    samples[8:12] = value
    write_float_dng(tmp_path / "many.dng", samples, (1, 1000), 1)
    (note,) = (note for note in read_raw(tmp_path / "many.dng").notes if "no number" in note)
    assert note.startswith("parts of the picture are missing or wrong (276 of its samples are no number, or no light)")


def test_a_white_balance_that_is_none_has_a_note(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(0.001, 0.1, (64, 64)).astype(np.float32)
    neutral = (0, 0, 1, 1, 1, 2)
    write_float_dng(tmp_path / "useless.dng", samples, (1, 1000), 1, neutral)
    frame = read_raw(tmp_path / "useless.dng")
    assert frame.balance_source == "none"
    assert frame.notes == ("its white balance cannot be used, so none is applied: choose one with --wb",)
