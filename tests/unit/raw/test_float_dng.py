"""DNGs of float samples keep fractions and negative values."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from darkdiff_cli.raw import read_raw
from darkdiff_cli.raw.dng_tags import SAMPLE_FORMAT, DngTags
from darkdiff_cli.raw.levels import sensor_dn


def write_float_dng(path: Path, samples: np.ndarray, black: tuple[int, int], white: int) -> None:
    tags = [
        (33421, "H", 2, (2, 2), True),
        (33422, "B", 4, bytes((0, 1, 1, 2)), True),
        (50706, "B", 4, bytes((1, 4, 0, 0)), True),
        (50714, "2I", 1, black, True),
        (50717, "I", 1, white, True),
        (50728, "2I", 3, (1, 2, 1, 1, 1, 2), True),
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
    pixels, scale = sensor_dn(decoded, tmp_path / "compressed.dng", DngTags({SAMPLE_FORMAT: (3, (3,))}))
    assert pixels.tolist() == [[500.5, 501.5]]
    assert scale == 16_383.0
    assert sensor_dn(decoded, tmp_path / "compressed.dng", DngTags({SAMPLE_FORMAT: (3, (1,))})) == (
        pytest.approx(decoded),
        1.0,
    )
