from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import rotate

from darkdiff_cli.raw.noise import measure_noise
from darkdiff_cli.raw.stack.correlation import correlate
from darkdiff_cli.raw.stack.luminance import stabilised
from darkdiff_cli.raw.stack.registration import LEAST_HEIGHT, register
from darkdiff_cli.synthesis import Sensor
from tests.unit.raw.stack.bursts import FILTERS, exposed, frame_of, scene


def luminances(lights, sensor: Sensor, ratio: float = 16.0) -> list[np.ndarray]:
    frames = [frame_of(exposed(light, sensor, ratio, n), sensor).above_black() for n, light in enumerate(lights)]
    noise = measure_noise(frames[0])
    assert noise is not None
    return [stabilised(frame, noise) for frame in frames]


@pytest.mark.parametrize("cfa", FILTERS)
@pytest.mark.parametrize("shift", [(0.0, 0.0), (2.4, -1.3), (-0.7, 0.55), (31.35, -22.1)])
def test_a_known_shift_is_found_to_a_tenth_of_a_photosite(cfa: str, shift, sensor: Sensor) -> None:
    sensor = replace(sensor, cfa=FILTERS[cfa])
    motion = register(*luminances([scene(), scene(shift)], sensor))
    assert motion is not None
    assert motion.blocks.shape == (2, 2, 2)
    assert np.abs(2 * motion.blocks - shift).max() < 0.1


def test_what_moves_by_itself_does_not_draw_the_rest_along(sensor: Sensor) -> None:
    lights = [scene(disc=(90, 70)), scene((1.5, -2.25), disc=(100, 82))]
    motion = register(*luminances(lights, sensor))
    assert motion is not None
    assert np.abs(2 * motion.blocks - (1.5, -2.25)).max() < 0.1


def test_the_stabilised_noise_is_the_same_in_the_dark_and_in_the_light(sensor: Sensor) -> None:
    steps = np.repeat([0.05, 0.9], 120)[None, :, None] * np.ones((192, 1, 3), np.float32)
    [picture] = luminances([steps.astype(np.float32)], sensor)
    deviations = [picture[:, :55].std(), picture[:, 65:].std()]
    assert deviations[0] == pytest.approx(deviations[1], rel=0.1)


def test_a_turned_frame_is_followed_block_by_block(sensor: Sensor) -> None:
    light = scene(shape=(384, 480))
    turned = rotate(light, 0.5, reshape=False, order=3, mode="mirror").clip(0, 1)
    motion = register(*luminances([light, turned], sensor))
    assert motion is not None
    y, x = np.meshgrid(*motion.middles, indexing="ij")
    y, x = 2 * y + 0.5 - 191.5, 2 * x + 0.5 - 239.5
    angle = np.deg2rad(0.5)
    wanted = np.stack([-np.sin(angle) * x, np.sin(angle) * y], axis=-1)
    inner = np.s_[1:-1, 1:-1]
    assert np.abs(2 * motion.blocks - wanted)[inner].max() < 0.2


def test_shifts_between_the_blocks_are_linear(sensor: Sensor) -> None:
    motion = register(*luminances([scene(), scene()], sensor))
    assert motion is not None
    blocks = np.stack(np.meshgrid([0.0, 1.0], [0.0, 2.0], indexing="ij"), axis=-1)
    motion = replace(motion, blocks=blocks)
    halfway = [np.array([middle.mean()]) for middle in motion.middles]
    assert motion.at(*halfway).ravel().tolist() == [0.5, 1.0]
    assert motion.at(np.array([-100.0]), np.array([1e4])).ravel().tolist() == [0.0, 2.0]


@pytest.mark.parametrize("other", ["noise", "another scene"])
def test_frames_with_nothing_in_common_are_told(other: str, sensor: Sensor) -> None:
    light = np.zeros_like(scene()) if other == "noise" else scene(seed=1)
    pictures = luminances([scene(), light], sensor)
    assert register(*pictures) is None
    assert correlate(*pictures).height < LEAST_HEIGHT
    assert correlate(pictures[0], pictures[0]).height > 5 * LEAST_HEIGHT
