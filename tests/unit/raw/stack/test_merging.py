from dataclasses import replace

import numpy as np
import pytest

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.raw.develop import develop
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.noise import MeasuredNoise, measure_noise
from darkdiff_cli.raw.rendering import render_linear
from darkdiff_cli.raw.stack.agreement import agreement
from darkdiff_cli.raw.stack.merging import Merger, exposure_ratio
from darkdiff_cli.synthesis import Sensor, mosaic_of
from tests.conftest import psnr
from tests.unit.raw.stack.bursts import DISC, FILTERS, NOISE, SHAKE, exposed, frame_of, scene

RATIO = 16.0
INNER = np.s_[8:-8, 8:-8]
SMOOTH = (0.002, 0.01)  # cycles a photosite: nothing that interpolation could miss
DISCS = [(60.0 + 25 * number, 50.0 + 40 * number) for number in range(len(SHAKE))]


def stack(frames: list[RawFrame]) -> RawFrame:
    merger = Merger(frames[0])
    for frame in frames[1:]:
        assert merger.add(frame) is None
    return merger.stacked()


def burst(sensor: Sensor, ratio: float = RATIO, discs: bool = False, shake=SHAKE) -> list[RawFrame]:
    lights = [scene(shift, disc if discs else None) for shift, disc in zip(shake, DISCS, strict=True)]
    return [frame_of(exposed(light, sensor, ratio, number), sensor) for number, light in enumerate(lights)]


def truth_of(light: np.ndarray, sensor: Sensor) -> np.ndarray:
    """The plain rendering of the light itself, averaged over each pixel."""
    high, wide = light.shape[0] // 2, light.shape[1] // 2
    mean = light.reshape(high, 2, wide, 2, 3).mean(axis=(1, 3)) * np.float32(sensor.white_balance)
    frame = frame_of(np.zeros((12, 12), np.float32), sensor)
    return render_linear(replace(develop(frame, 1.0), pixels=np.minimum(mean, 1).astype(np.float32)))


def plain(frame: RawFrame, ratio: float) -> np.ndarray:
    return render_linear(develop(frame, ratio))


@pytest.mark.parametrize("cfa", FILTERS)
def test_frames_are_worth_what_as_much_light_is(cfa: str, sensor: Sensor) -> None:
    """Four frames with shake and something that moves, beside one of four times the time in which it stood still."""
    sensor = replace(sensor, cfa=FILTERS[cfa])
    ratio = 4 * RATIO
    frames = burst(sensor, ratio, discs=True)
    light = scene(disc=DISCS[0])
    long = frame_of(exposed(light, sensor, ratio / 4, 9), sensor)
    truth = truth_of(light, sensor)
    one, stacked, whole = (
        psnr(plain(frame, ratio)[INNER], truth[INNER])
        for frame, ratio in ((frames[0], ratio), (stack(frames), ratio), (long, ratio / 4))
    )
    assert stacked > one + 3
    assert stacked > whole - 0.7


@pytest.mark.parametrize("cfa", FILTERS)
@pytest.mark.parametrize("ratio", [RATIO, 100.0, 300.0])
def test_what_moves_leaves_no_ghost(cfa: str, ratio: float, sensor: Sensor) -> None:
    sensor = replace(sensor, cfa=FILTERS[cfa])
    stacked = stack(burst(sensor, ratio, discs=True))
    light = stacked.light_dn() * ratio / (sensor.white - sensor.black)
    clean = mosaic_of(scene(disc=DISCS[0]), sensor.cfa, 0.0, 1.0)
    with_it = mosaic_of(np.ones_like(scene()) * np.float32([0.7, 0.3, 0.1]), sensor.cfa, 0.0, 1.0)
    y, x = np.indices(clean.shape)
    for disc in DISCS[1:]:
        place = np.hypot(y - disc[0], x - disc[1]) < DISC + 2
        share = ((light - clean) * (with_it - clean))[place].sum() / ((with_it - clean)[place] ** 2).sum()
        assert abs(share) < 0.02  # a plain mean of four has a quarter of it
    stays = np.hypot(y - DISCS[0][0], x - DISCS[0][1]) < DISC - 1
    assert light[stays].mean() == pytest.approx(with_it[stays].mean(), rel=0.03)


@pytest.mark.parametrize("cfa", FILTERS)
@pytest.mark.parametrize("shake", [SHAKE, ((0.0, 0.0),) * 4])
def test_the_noise_that_is_measured_is_the_noise_that_is_there(cfa: str, shake, sensor: Sensor) -> None:
    """On a scene without texture, which the measurement takes for noise in small frames."""
    sensor = replace(sensor, cfa=FILTERS[cfa])
    lights = [scene(s, np.add((190, 240), s), (384, 480), waves=(0.001, 0.003)) for s in shake]
    clean = mosaic_of(lights[0], sensor.cfa, 0.0, sensor.white - sensor.black) / RATIO
    stacked = stack([frame_of(exposed(light, sensor, RATIO, n), sensor) for n, light in enumerate(lights)])
    measured = measure_noise(stacked)
    assert measured is not None
    expected = np.sqrt(measured.gain * clean + measured.read**2)
    deviations = np.abs((stacked.light_dn() - clean) / expected)[INNER]
    assert 1.4826 * np.median(deviations) == pytest.approx(1, abs=0.15)
    single = np.sqrt(NOISE.gain * clean + NOISE.read_variance)
    assert expected.mean() < 0.55 * single.mean()


def test_negative_values_are_kept(sensor: Sensor) -> None:
    """In the dark, the mean is the black level, and half of the values lie below it."""
    lights = [scene(shift) * np.float32(0.02) for shift in SHAKE]
    for light in lights:
        light[:, :100] = 0
    frames = [frame_of(exposed(light, sensor, 4.0, number), sensor) for number, light in enumerate(lights)]
    dark = stack(frames).light_dn()[12:-12, 12:80]
    assert abs(dark.mean()) < 0.05
    assert (dark < 0).mean() > 0.4


def test_exposures_of_other_times_and_speeds_are_brought_to_the_first_one(sensor: Sensor) -> None:
    shots = [CaptureMetadata(exposure_time=time, iso=400) for time in (1.0, 0.5, 2.0, 1.0)]
    frames = [
        frame_of(exposed(scene(shift, waves=SMOOTH), sensor, RATIO / (shot.exposure_time or 1), number), sensor, shot)
        for number, (shift, shot) in enumerate(zip(SHAKE, shots, strict=True))
    ]
    merger = Merger(frames[0])
    weights = []
    for frame in frames[1:]:
        before = merger.weight.copy()
        assert merger.add(frame) is None
        weights.append(float(np.median(merger.weight - before)))
    light = mosaic_of(scene(waves=SMOOTH), sensor.cfa, 0.0, sensor.white - sensor.black) / RATIO
    error = (merger.stacked().light_dn() - light)[INNER]
    assert abs(error.mean()) < 0.005 * light.mean()
    assert weights == pytest.approx(
        [0.5, 2.0, 1.0], rel=0.13
    )  # as the light that they got, by the noise measured on each


def test_a_flicker_of_the_light_is_evened_out(sensor: Sensor) -> None:
    """EXIF says one exposure, but the lamps were darker: the mean stays that of the first frame, with less noise."""
    frames = [
        frame_of(exposed(scene(s), sensor, RATIO * r, n), sensor)
        for n, (s, r) in enumerate(zip(SHAKE, (1, 1.2, 0.9, 1.1), strict=True))
    ]
    light = mosaic_of(scene(), sensor.cfa, 0.0, sensor.white - sensor.black) / RATIO
    error = (stack(frames).light_dn() - light)[INNER]
    assert abs(error.mean()) < 0.005 * light.mean()
    assert error.std() < 0.65 * np.sqrt(NOISE.gain * light.mean() + NOISE.read_variance)


def test_exposure_is_time_times_speed() -> None:
    first = CaptureMetadata(exposure_time=1.0, iso=800)
    assert exposure_ratio(first, CaptureMetadata(exposure_time=0.5, iso=200)) == 8
    assert exposure_ratio(first, CaptureMetadata(exposure_time=0.5)) == 2
    assert exposure_ratio(first, CaptureMetadata()) == 1


def test_what_is_saturated_stays_saturated(sensor: Sensor) -> None:
    """Frames of half the time, which are not saturated, say nothing of what the first one lost."""
    lights = [scene(shift) for shift in SHAKE]
    for light, (down, across) in zip(lights, SHAKE, strict=True):
        light[80 + round(down) : 100 + round(down), 80 + round(across) : 100 + round(across)] = 1.015
    shots = [CaptureMetadata(exposure_time=time) for time in (1.0, 0.5, 0.5, 0.5)]
    frames = [
        frame_of(exposed(light, sensor, 1 / (shot.exposure_time or 1), number), sensor, shot)
        for number, (light, shot) in enumerate(zip(lights, shots, strict=True))
    ]
    blown = np.s_[83:97, 83:97]
    assert np.array_equal(stack(frames).light_dn()[blown], frames[0].light_dn()[blown])


def test_a_raw_that_is_demosaiced_already_is_stacked_too(sensor: Sensor) -> None:
    rng = np.random.default_rng(3)
    clean = [scene(shift, shape=(128, 160)) * 1000 for shift in SHAKE]
    frames = [replace(frame_of(np.zeros((4, 4)), sensor), cfa=None, mosaic_dn=np.zeros((4, 4, 3))) for _ in SHAKE]
    noisy = [
        replace(f, mosaic_dn=512 + c + 30 * rng.standard_normal(c.shape)) for f, c in zip(frames, clean, strict=True)
    ]
    error = (stack(noisy).light_dn() - clean[0])[INNER]
    assert error.std() < 0.6 * 30


def test_a_frame_of_another_scene_is_left_out_with_a_reason(sensor: Sensor) -> None:
    merger = Merger(frame_of(exposed(scene(), sensor, RATIO, 0), sensor))
    other = frame_of(exposed(scene(seed=1), sensor, RATIO, 1), sensor)
    assert merger.add(other) == "has too little in common with the first frame to be aligned with it"
    covered = scene()
    covered[:, :150] = 0.9
    reason = merger.add(frame_of(exposed(covered, sensor, RATIO, 1), sensor))
    assert reason is not None and "of what the first frame shows" in reason
    assert (merger.weight == 1).all()


def test_frames_that_differ_by_noise_alone_agree(sensor: Sensor) -> None:
    light = scene(waves=(0.001, 0.003))
    first, second = (frame_of(exposed(light, sensor, 100.0, number), sensor).above_black() for number in (0, 1))
    noise = MeasuredNoise(NOISE.gain, NOISE.read_variance**0.5)
    same = agreement(first, second, (noise, noise))
    assert same.shape == first.mosaic_dn.shape
    assert same.mean() > 0.99
    faint = second.light_dn().copy()
    faint[60:120, 60:120] += 0.5 * np.sqrt(NOISE.read_variance + faint.mean())  # half the noise of a photosite
    same = agreement(first, replace(second, mosaic_dn=faint), (noise, noise))
    assert same[70:110, 70:110].mean() < 0.1
    assert same[:, 180:].mean() > 0.99


@pytest.mark.parametrize("cfa", FILTERS)
def test_the_noise_that_is_left_is_that_of_broad_areas(cfa: str, sensor: Sensor) -> None:
    """Interpolation hides noise from one photosite to the next; over squares, as much is there as frames leave."""
    sensor = replace(sensor, cfa=FILTERS[cfa])
    merger, side = Merger(burst(sensor, 64.0)[0]), 16
    for frame in burst(sensor, 64.0)[1:]:
        assert merger.add(frame) is None
    light = merger.stacked().light_dn() - mosaic_of(scene(), sensor.cfa, 0.0, sensor.white - sensor.black) / 64
    squares = light[16:-16, 16:-16].reshape(10, side, 13, side).mean(axis=(1, 3))
    left = merger.noise_left()
    expected = np.sqrt(left.gain * max(merger.typical, 0) + left.read**2) / side
    assert squares.std() == pytest.approx(expected, rel=0.35)
    assert left.gain == pytest.approx(merger.noise.gain / 4, rel=0.15)


@pytest.mark.parametrize("cfa", FILTERS)
def test_the_noise_is_told_of_each_place(cfa: str, sensor: Sensor) -> None:
    """Where the disc stands in the first frame only that one counts, elsewhere all four."""
    sensor = replace(sensor, cfa=FILTERS[cfa])
    frames = burst(sensor, 4 * RATIO, discs=True)
    merger = Merger(frames[0])
    for frame in frames[1:]:
        merger.add(frame)
    share, left = merger.noise_share(), merger.noise_left()
    assert share.mean() == pytest.approx(1, abs=1e-6)
    y, x = np.indices(share.shape)
    disc = np.hypot(y - DISCS[0][0], x - DISCS[0][1]) < DISC - 1
    assert share[disc] * left.gain == pytest.approx(np.full(disc.sum(), merger.noise.gain), rel=1e-4)
    still = np.s_[100:110, 200:230]
    assert share[still].mean() * left.gain == pytest.approx(merger.noise.gain / 4, rel=0.1)


@pytest.mark.parametrize("cfa", FILTERS)
def test_where_light_is_rough_the_first_frame_counts_for_more(cfa: str, sensor: Sensor) -> None:
    """What is interpolated across an edge is wrong by more than the noise; a whole pattern away nothing is."""
    sensor = replace(sensor, cfa=FILTERS[cfa])

    levels = np.random.default_rng(1).uniform(0.1, 0.5, (6, 7, 1)).astype(np.float32)
    wide = levels.repeat(40, 0).repeat(40, 1).repeat(3, 2)
    frames = [
        frame_of(exposed(wide[step : step + 192, step : step + 240], sensor, 2.0, number), sensor)
        for number, step in enumerate((0, 3, 6))
    ]
    weights = []
    for frame in frames[1:]:
        merger = Merger(frames[0])
        assert merger.add(frame) is None
        weights.append(merger.weight - 1)
    edge, calm = np.s_[90:110, 78:82], np.s_[90:110, 94:106]
    assert weights[0][edge].mean() < 0.6
    assert weights[0][calm].mean() > 0.9
    assert weights[1][edge].mean() > 0.9


def test_a_frame_whose_exposure_is_not_what_it_says_is_left_out(sensor: Sensor) -> None:
    first, brighter = (
        frame_of(exposed(scene(), sensor, ratio, seed), sensor) for seed, ratio in enumerate((100.0, 20.0))
    )
    misfit = Merger(first).add(brighter)
    assert misfit == "is 5 times as bright as its exposure time and ISO say"
    assert Merger(brighter).add(first) == "is 0.2 times as bright as its exposure time and ISO say"
