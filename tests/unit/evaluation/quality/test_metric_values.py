"""Scores worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from darkdiff_cli.evaluation.protocols.protocol import get_protocol
from darkdiff_cli.evaluation.quality.metrics import Judge, colour_error, interval, lpips_of
from darkdiff_models.learning.lpips import LPIPS

SCENES = get_protocol("scenes")
ELD = replace(SCENES, illuminance=True, bits=8)


def flat(level: float, side: int = 16) -> np.ndarray:
    return np.full((side, side, 3), level, np.float32)


def halves(left: float, right: float) -> np.ndarray:
    picture = flat(left)
    picture[:, 8:] = right
    return picture


def test_ssim_is_that_of_uniform_windows_of_seven_pixels_channel_by_channel() -> None:
    """One window in all; Wang et al. 2004 with K1 = 0.01, K2 = 0.03 and sample variances."""
    rng = np.random.default_rng(0)
    reference = rng.uniform(0, 1, (7, 7, 3)).astype(np.float32)
    output = np.clip(reference + rng.normal(0, 0.2, reference.shape), 0, 1).astype(np.float32)
    values = []
    for x, y in zip(output.reshape(-1, 3).T.astype(float), reference.reshape(-1, 3).T.astype(float), strict=True):
        (xx, xy), (_, yy) = np.cov(x, y)
        light = (2 * x.mean() * y.mean() + 0.01**2) / (x.mean() ** 2 + y.mean() ** 2 + 0.01**2)
        values.append(light * (2 * xy + 0.03**2) / (xx + yy + 0.03**2))
    assert Judge(SCENES).score(output, reference)["ssim"] == pytest.approx(np.mean(values), abs=1e-5)


def test_what_no_display_shows_is_no_error() -> None:
    assert Judge(SCENES).score(halves(1.4, -0.3), halves(1.0, 0.0))["psnr"] == pytest.approx(120.0)


@pytest.mark.parametrize(
    ("output", "reference", "levels"),
    [((0.1, 0.3), (0.31, 0.6), (55, 161)), ((0.1, 0.9), (0.9, 1.0), (31, 255))],
)
def test_elds_correction_is_clipped_and_rounded_like_every_output(output, reference, levels) -> None:
    """Of 26 and 77 against 79 and 153 levels the scale is 2.104; of 26 and 230 against 230 and 255 it is 1.206."""
    mse = np.mean((np.array(levels) / 255 - np.rint(np.array(reference) * 255) / 255) ** 2)
    assert Judge(ELD).score(halves(*output), halves(*reference))["psnr"] == pytest.approx(-10 * np.log10(mse), abs=1e-3)


def test_each_perceptual_network_has_its_own_score() -> None:
    networks = [LPIPS("alex"), LPIPS("alex")]
    for weight, network in zip((1.0, 3.0), networks, strict=True):
        for head in network.heads:
            torch.nn.init.constant_(head, weight)
    networks[1].load_state_dict({**networks[0].state_dict(), **{f"heads.{n}": networks[1].heads[n] for n in range(5)}})
    rng = np.random.default_rng(0)
    output, reference = rng.uniform(0, 1, (2, 40, 40, 3)).astype(np.float32)
    distance = lpips_of(output, reference, networks[0])
    scores = Judge(SCENES, *networks).score(output, reference)
    assert scores["lpips"] == pytest.approx(distance)
    assert scores["lpips_vgg"] == pytest.approx(3 * distance, rel=1e-5)
    assert Judge(SCENES, alex=networks[0]).metrics == {"psnr", "ssim", "colour", "lpips"}


@pytest.mark.parametrize(("first", "second"), [(0.2, 0.3), (0.5, 0.6), (0.9, 0.7)])
def test_colour_error_of_greys_is_their_lightness_by_ciede2000(first: float, second: float) -> None:
    """Sharma et al. 2005: without chroma the difference of L* over S_L is left."""
    linear = [((level + 0.055) / 1.055) ** 2.4 for level in (first, second)]
    one, other = (116 * y ** (1 / 3) - 16 for y in linear)
    middle = ((one + other) / 2 - 50) ** 2
    expected = abs(one - other) / (1 + 0.015 * middle / np.sqrt(20 + middle))
    assert colour_error(flat(first, 64), flat(second, 64)) == pytest.approx(expected, abs=0.02)


def test_colour_error_sees_nothing_finer_than_32_pixels() -> None:
    rows, columns = np.mgrid[0:64, 0:64] // 16
    board = np.where((rows + columns)[..., None] % 2, 0.1, -0.1).repeat(3, axis=2).astype(np.float32)
    assert colour_error(flat(0.5, 64) + board, flat(0.5, 64)) == pytest.approx(0.0, abs=1e-3)


def test_an_interval_holds_the_mean_with_95_percent() -> None:
    """Four hundred throws of a coin: a standard error of 1/40."""
    low, high = interval(np.tile([0.0, 1.0], 200))
    assert (low, high) == (pytest.approx(0.5 - 1.96 / 40, abs=0.003), pytest.approx(0.5 + 1.96 / 40, abs=0.003))
