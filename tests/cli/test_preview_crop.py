"""The crop at 1:1 on the sheet of `darkdiff preview`: where it is taken."""

import json
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from darkdiff_cli.synthesis import SensorNoise, expose, unprocess, write_dng
from tests.cli.sheets import FIRST, MARK, auto_alone, run


def test_the_crop_is_taken_where_it_is_asked_for(sensor, capture, tmp_path: Path) -> None:
    """A raw on its side: the bright square is at the upper right of the sensor, so at the lower right when upright."""
    picture = np.full((300, 400, 3), 0.2, np.float32)
    picture[40:72, 320:352] = 0.8
    noise = SensorNoise(gain=0.2, shape=0.1, read_scale=0.3, row_scale=0.1)
    mosaic = expose(unprocess(picture, sensor), 50.0, noise, sensor.black, sensor.white, np.random.default_rng(1))
    write_dng(tmp_path / "side.dng", mosaic, sensor, capture, orientation=6)
    options = (*auto_alone(tmp_path / "side.dng"), "--at", "100,75", "--json")
    done = run(tmp_path / "side.dng", "-o", tmp_path / "s.tif", *options)
    [entry] = json.loads(done.stdout)["files"]
    assert entry["at"] == [57, 68]  # (300 - 128) / 300, (400 - 128) / 400: the window stays inside
    sheet = iio.imread(tmp_path / "s.tif")
    crop = sheet[FIRST : FIRST + 256, 8 + 248 :][:, :256].astype(int).sum(axis=-1)
    # Upright: row = the sensor's column, column = 299 - the sensor's row; the window starts at (144, 44).
    square = crop[320 - 144 + 4 : 352 - 144 - 4, 299 - 71 - 44 + 4 : 299 - 40 - 44 - 3]
    assert square.mean() > 1.8 * np.median(crop)
    assert np.unravel_index(_means(crop, 32).argmax(), crop.shape) == pytest.approx((192, 200), abs=4)
    outlined = (sheet[FIRST : FIRST + 320, 8:248] == MARK).all(axis=-1)
    rows, columns = np.nonzero(outlined)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == pytest.approx((115, 319, 35, 239), abs=1)


def _means(picture: np.ndarray, side: int) -> np.ndarray:
    from scipy.ndimage import uniform_filter

    return uniform_filter(picture.astype(float), side)


def test_the_crop_shows_the_detail_by_itself(sensor, capture, tmp_path: Path) -> None:
    picture = np.full((270, 600, 3), 0.3, np.float32)
    picture[120:180, 480:540] = np.kron(np.indices((15, 15)).sum(axis=0) % 2, np.ones((4, 4)))[..., None] * 0.7
    noise = SensorNoise(gain=0.2, shape=0.1, read_scale=0.3, row_scale=0.1)
    mosaic = expose(unprocess(picture, sensor), 50.0, noise, sensor.black, sensor.white, np.random.default_rng(1))
    write_dng(tmp_path / "a.dng", mosaic, sensor, capture)
    done = run(tmp_path / "a.dng", "-o", tmp_path / "s.tif", *auto_alone(tmp_path / "a.dng"), "--json")
    [entry] = json.loads(done.stdout)["files"]
    x, y = entry["at"]
    assert 600 * x / 100 + 128 >= 540
    assert 600 * x / 100 - 128 <= 480
    assert 43 <= y <= 57
