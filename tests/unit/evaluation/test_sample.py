"""The scene made by code is what a camera would write of it."""

from pathlib import Path

import imageio.v3 as iio
import numpy as np

from darkdiff_cli.colour import srgb_decode
from darkdiff_cli.evaluation.sample import LENS, SENSOR, night_scene, write_sample
from darkdiff_cli.raw import read_raw
from darkdiff_cli.synthesis import sensor_light


def test_each_photosite_sees_its_own_point_of_the_truth_behind_the_lens(tmp_path: Path) -> None:
    scene = night_scene()[300:400, 40:180]  # with the railings, whose bars are two photosites wide
    write_sample(tmp_path, scene)
    truth = iio.imread(tmp_path / "night_truth.png")
    assert np.array_equal(truth, np.rint(scene * 255))
    light = LENS.through(sensor_light(srgb_decode(scene), SENSOR)) * (SENSOR.white - SENSOR.black) + SENSOR.black
    mosaic = read_raw(tmp_path / "night_clean.dng").mosaic_dn
    assert mosaic.shape == scene.shape[:2]
    for row, column, colour in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        assert np.array_equal(mosaic[row::2, column::2], np.rint(light[row::2, column::2, colour]))
    assert (mosaic[0::2, 1::2] != mosaic[1::2, 0::2]).mean() > 0.5  # no quads of one point
