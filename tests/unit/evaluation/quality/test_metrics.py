from dataclasses import replace

import imageio.v3 as iio
import numpy as np
import pytest

from darkdiff_cli.evaluation.protocols.protocol import get_protocol
from darkdiff_cli.evaluation.quality.metrics import (
    Judge,
    bt709_encode,
    colour_error,
    corrected,
    interval,
    lpips_of,
    paired,
    prepare,
)
from darkdiff_models.learning.lpips import LPIPS

SCENES = get_protocol("scenes")


@pytest.mark.parametrize(("network", "values"), [("alex", (0.722, 0.138)), ("vgg", (None, None))])
def test_lpips_gives_the_reference_packages_values(shared, network, values) -> None:
    weights = shared / "weights"
    metric = LPIPS.from_file(weights / f"lpips_{network}.safetensors", network)
    pictures = [
        iio.imread(weights / "lpips_check" / f"{n}.png").astype(np.float32) / 255 for n in ("ex_ref", "ex_p0", "ex_p1")
    ]
    far, near = lpips_of(pictures[1], pictures[0], metric), lpips_of(pictures[2], pictures[0], metric)
    assert far > near > 0
    assert lpips_of(pictures[0], pictures[0], metric) == pytest.approx(0, abs=1e-6)
    if values[0] is not None:
        assert (far, near) == (pytest.approx(values[0], abs=1e-3), pytest.approx(values[1], abs=1e-3))


def test_psnr_and_ssim_of_known_pictures() -> None:
    flat = np.full((64, 64, 3), 0.5, np.float32)
    scores = Judge(SCENES).score(flat + 0.1, flat)
    assert scores["psnr"] == pytest.approx(20.0, abs=1e-3)
    same = Judge(SCENES).score(flat, flat)
    assert (same["ssim"], same["colour"]) == (pytest.approx(1.0), pytest.approx(0.0, abs=1e-5))
    with pytest.raises(ValueError, match="against a reference"):
        Judge(SCENES).score(flat, flat[:32])


def test_illuminance_correction_takes_out_a_factor_a_channel() -> None:
    rng = np.random.default_rng(0)
    reference = rng.uniform(0.1, 0.5, (64, 64, 3)).astype(np.float32)
    darker = reference * np.array([0.5, 0.8, 1.2], np.float32)
    assert np.allclose(corrected(darker, reference), reference, atol=1e-6)
    plain, protocol = Judge(SCENES), replace(SCENES, illuminance=True)
    assert Judge(protocol).score(darker, reference)["psnr"] > plain.score(darker, reference)["psnr"] + 30


def test_crop_curve_and_bits_of_a_protocol() -> None:
    picture = np.zeros((100, 120, 3), np.float32)
    picture[40:60, 50:70] = 0.46136  # 0.18 in linear light
    part = prepare(picture, replace(SCENES, crop=20, curve="bt709"))
    assert part.shape == (20, 20, 3)
    assert part == pytest.approx(0.4090, abs=1e-4)  # 1.099 * 0.18 ** 0.45 - 0.099
    assert bt709_encode(np.array([0.01], np.float32)) == pytest.approx(0.045)
    assert prepare(picture, replace(SCENES, bits=8)).max() == pytest.approx(118 / 255)


def test_colour_error_is_blind_to_noise_and_sees_a_cast() -> None:
    rng = np.random.default_rng(0)
    flat = np.full((96, 96, 3), 0.5, np.float32)
    assert colour_error(np.clip(flat + rng.normal(0, 0.1, flat.shape), 0, 1).astype(np.float32), flat) < 1
    assert colour_error(flat + np.array([0.05, 0, 0], np.float32), flat) > 3


def test_intervals_and_paired_tests() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(5, 1, 200)
    low, high = interval(values)
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 / np.sqrt(200), rel=0.2)
    better = paired(values + 0.1 + rng.normal(0, 0.05, 200), values)
    assert better["low"] > 0.08
    assert better["p"] < 1e-6
    assert paired(values, values) == {"difference": 0.0, "count": 200, "low": 0.0, "high": 0.0, "p": 1.0}
