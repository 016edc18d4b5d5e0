"""Darken a clean frame: the dark exposures of `photos:` and `raws:` are synthetic."""

from dataclasses import dataclass, replace
from typing import Annotated, NamedTuple

import numpy as np

from darkdiff_cli.ranges import SHARE, WEIGHT, Range
from darkdiff_cli.raw import RawFrame
from darkdiff_cli.synthesis import SensorNoise, expose, load_calibrations, sample_noise
from darkdiff_cli.synthesis.noise import TYPICAL

BLACK, WHITE = 512.0, 16383.0  # the 14-bit levels in which the calibrations are given
RATIOS = Range(1, 10_000, rising=True)
FACTORS = Range(1e-3, 1e3, rising=True)
DN = Range(0, WHITE)


@dataclass(frozen=True)
class SynthesisSettings:
    """How dark raws are made from clean pictures.

    Attributes:
        ratio_range: amplification ratios, drawn log-uniformly.
        bright_share: share of pairs drawn from ratio 1 up to the lower end of ratio_range instead.
        exposure_range: factors on a photograph's light, log-uniform: darker and brighter renderings.
        defocus_share: share of photographs that are blurred (`photos:` only): areas that are smooth at every scale,
            like backgrounds at the wide apertures of night shots.
        softness: the most, in pixels, that a picture is blurred before the lens sees it (`photos:` only): photographs
            that are all sharp to the pixel teach that there are no soft edges, and a network then sharpens them.
        grain: the most grain that a picture gets, standard deviation in sRGB (`photos:` only): JPEGs from the web have
            lost it, and teach that what is fine and faint is noise.
        reduced_share: share of photographs that are reduced in size, where they are large enough (`photos:` only), so
            that their pixels are sharp in every colour.
        drawn_share: share of drawings instead of photographs (`photos:` only): flat colours with hard edges, like
            charts, signs and screens (see `darkdiff_cli.datasets.drawn`).
        gain_range: system gain K in DN per electron at 14 bit, log-uniform.
        black_error: standard deviation of the black level's error, DN.
        row_noise: factor on the calibrated row noise; 0 leaves it out.
        banding: standard deviation in DN of slow horizontal bands on top of the row noise.
        dead_pixels: share of pixels that record no light.
        column_noise: standard deviation of what is left of column noise, DN.
        typical_share: share of frames with the noise of a typical camera (see `noise.TYPICAL`) instead of a calibrated
            one.
        xtrans_share: share of frames with an X-Trans filter (`photos:` only); the others have a Bayer filter.
        quad_share: share of frames with a quad Bayer filter (`photos:` only, stage 3 alone). What is made of them at
            the size of their squares comes from the model that training begins with (`--start`).
        exclude: file names that are not used.
    """

    ratio_range: Annotated[tuple[float, float], RATIOS] = (50.0, 320.0)
    bright_share: Annotated[float, SHARE] = 0.15
    exposure_range: Annotated[tuple[float, float], FACTORS] = (0.4, 1.3)
    defocus_share: Annotated[float, SHARE] = 0.0
    softness: Annotated[float, WEIGHT] = 0.0
    grain: Annotated[float, SHARE] = 0.0
    reduced_share: Annotated[float, SHARE] = 0.5
    drawn_share: Annotated[float, SHARE] = 0.0
    gain_range: Annotated[tuple[float, float], FACTORS] = (0.2, 8.0)
    black_error: Annotated[float, DN] = 0.3
    row_noise: Annotated[float, WEIGHT] = 1.0
    banding: Annotated[float, DN] = 0.0
    dead_pixels: Annotated[float, SHARE] = 0.0
    column_noise: Annotated[float, DN] = 0.0
    typical_share: Annotated[float, SHARE] = 0.0
    xtrans_share: Annotated[float, SHARE] = 0.0
    quad_share: Annotated[float, SHARE] = 0.0
    exclude: tuple[str, ...] = ()


class Darkened(NamedTuple):
    """A dark exposure.

    Attributes:
        frame: at 14 bit.
        ratio: its amplification ratio.
        noise: the noise that it was given.
    """

    frame: RawFrame
    ratio: float
    noise: SensorNoise


def darken(clean: RawFrame, settings: SynthesisSettings, rng: np.random.Generator) -> Darkened:
    """Simulate a dark exposure of a clean frame, with the noise of a random calibrated camera.

    Args:
        clean: a well-exposed frame of black level 512 and white level 16383, the calibrations' 14 bit.
        settings: ratios and noise.
        rng: source of randomness.
    """
    low, high = settings.ratio_range
    ratio = log_uniform((1.0, low) if rng.uniform() < settings.bright_share else (low, high), rng)
    cameras = load_calibrations()
    camera = cameras[int(rng.integers(len(cameras)))]
    if settings.typical_share and rng.uniform() < settings.typical_share:
        camera = TYPICAL
    noise = sample_noise(camera, rng, settings.gain_range, settings.black_error)
    noise = replace(
        noise,
        row_scale=noise.row_scale * settings.row_noise,
        banding=settings.banding,
        dead_pixels=settings.dead_pixels,
        column_scale=settings.column_noise,
    )
    assert clean.cfa is not None
    mosaic = expose(clean.mosaic_dn.astype(np.float32), ratio, noise, BLACK, WHITE, rng, clean.cfa)
    return Darkened(replace(clean, mosaic_dn=mosaic), ratio, noise)


def log_uniform(span: tuple[float, float], rng: np.random.Generator) -> float:
    """Draw between two positive numbers, uniformly in the logarithm."""
    drawn = float(np.exp(rng.uniform(np.log(span[0]), np.log(span[1]))))
    return min(max(drawn, span[0]), span[1])  # which rounding may have left
