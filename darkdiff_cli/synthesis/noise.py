"""Sensor noise of a short exposure: shot, read, row and quantisation noise (ELD: Wei et al., CVPR 2020)."""

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.cfa import Cfa

BAYER = Cfa.bayer("RGGB")  # the calibrations list the four sites in this order
GAIN_RANGE = (0.1, 30.0)  # DN per electron at 14 bit, the span of the calibrated cameras


@dataclass(frozen=True)
class Calibration:
    """Published noise calibration of one camera, 14-bit DN: log(sigma) ~ Normal(slope * log K + bias, spread).

    Attributes:
        name: camera.
        gain_range: system gains K in DN per electron over the camera's ISO range.
        shapes: measured shapes of the Tukey lambda distribution.
        read, row: (slope, bias, spread) of the Tukey-lambda read noise and of the Gaussian row noise.
        colour_bias: measured offsets of the black level per Bayer site, DN, one row per setting.
    """

    name: str
    gain_range: tuple[float, float]
    shapes: tuple[float, ...]
    read: tuple[float, float, float]
    row: tuple[float, float, float]
    colour_bias: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class SensorNoise:
    """Noise parameters of one camera at one setting, 14-bit DN.

    Attributes:
        gain: K, DN per electron.
        shape: shape of the Tukey lambda distribution of the read noise (0 is the logistic distribution).
        read_scale: scale of the read noise, DN.
        row_scale: standard deviation of the row noise, DN.
        colour_bias: error of the black level at the four Bayer sites, DN.
        hot_pixels: share of pixels stuck at a bright value.
        banding: standard deviation of slow horizontal bands, DN.
        dead_pixels: share of pixels that record no light.
        column_scale: standard deviation of the column noise, DN.
    """

    gain: float
    shape: float
    read_scale: float
    row_scale: float
    colour_bias: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    hot_pixels: float = 0.0
    banding: float = 0.0
    dead_pixels: float = 0.0
    column_scale: float = 0.0

    @property
    def read_variance(self) -> float:
        """Variance of a pixel without light, rounding included, DN squared."""
        return self.read_scale**2 * tukey_variance(self.shape) + self.row_scale**2 + self.column_scale**2 + 1 / 12


# Several hundred cameras as one: a straight line with its spread through the read noise of darktable's noise profiles
# (8,048 of them, at ISO 800 and above), at 14 bit: log(deviation) = 0.62 log K + 2.0 +- 0.53.
TYPICAL_SHAPE = 0.14  # of the Tukey lambda distribution: about a normal one, of deviation 1.45
TYPICAL = Calibration(
    name="typical",
    gain_range=(0.08, 23.0),
    shapes=(TYPICAL_SHAPE,),
    read=(0.62, 2.0 - 0.37, 0.53),
    row=(0.62, -1.0, 0.7),
    colour_bias=((0.0, 0.0, 0.0, 0.0),),
)


@cache
def load_calibrations() -> tuple[Calibration, ...]:
    """The published calibrations of five cameras (source named in `cameras.json`)."""
    data = json.loads(files("darkdiff_cli.synthesis").joinpath("cameras.json").read_text(encoding="utf-8"))
    return tuple(
        Calibration(
            name=name,
            gain_range=tuple(camera["gain_range"]),
            shapes=tuple(camera["tukey_lambda_shapes"]),
            read=tuple(camera["read"]),
            row=tuple(camera["row"]),
            colour_bias=tuple(tuple(row) for row in camera["colour_bias_dn"]),
        )
        for name, camera in data["cameras"].items()
    )


def sample_noise(
    calibration: Calibration,
    rng: np.random.Generator,
    gain_range: tuple[float, float] = GAIN_RANGE,
    black_error: float = 0.5,
) -> SensorNoise:
    """Draw noise parameters of a calibrated camera at a random setting.

    Args:
        calibration: the camera.
        rng: source of randomness.
        gain_range: K is drawn log-uniformly from here, in DN per electron.
        black_error: standard deviation in DN of an error of the black level common to all pixels.
    """
    log_gain = rng.uniform(*np.log(gain_range))

    def scale(line: tuple[float, float, float]) -> float:
        slope, bias, spread = line
        return float(np.exp(rng.normal(slope * log_gain + bias, spread)))

    measured = np.array(calibration.colour_bias[rng.integers(len(calibration.colour_bias))])
    # A few published settings are 4-6 DN off; the tags or masked pixels of a real file would have corrected that.
    measured = np.clip(measured - measured.mean(), -1.0, 1.0)
    bias = rng.normal(0.0, black_error) + measured * rng.uniform(0.0, 1.0)
    return SensorNoise(
        gain=float(np.exp(log_gain)),
        shape=float(rng.choice(calibration.shapes)),
        read_scale=scale(calibration.read),
        row_scale=scale(calibration.row),
        colour_bias=(float(bias[0]), float(bias[1]), float(bias[2]), float(bias[3])),
        hot_pixels=float(rng.choice([0.0, 0.0, 2e-5, 1e-4])),
    )


def tukey_variance(shape: float) -> float:
    """Variance of the Tukey lambda distribution of unit scale, for a shape above -0.5."""
    if abs(shape) < 1e-4:
        return math.pi**2 / 3
    beta = math.gamma(shape + 1) ** 2 / math.gamma(2 * shape + 2)
    return 2 / shape**2 * (1 / (1 + 2 * shape) - beta)


def tukey_lambda(shape: float, size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw from the Tukey lambda distribution of unit scale through its quantile function."""
    u = rng.random(size, dtype=np.float32)
    u = np.clip(u, 1e-6, 1 - 1e-6)
    if abs(shape) < 1e-4:
        return np.asarray(np.log(u / (1 - u)), dtype=np.float32)
    return np.asarray((u**shape - (1 - u) ** shape) / shape, dtype=np.float32)


def expose(
    clean_dn: NDArray[np.floating],
    ratio: float,
    noise: SensorNoise,
    black: float,
    white: float,
    rng: np.random.Generator,
    cfa: Cfa = BAYER,
) -> NDArray[np.uint16]:
    """Simulate an exposure with `ratio` times less light.

    Args:
        clean_dn: (H, W) noise-free mosaic in 14-bit DN, black level included.
        ratio: how many times shorter the exposure is.
        noise: the camera and its setting.
        black, white: levels in DN.
        rng: source of randomness.
        cfa: the colour filter, whose colours differ in their black level's error.

    Returns:
        (H, W) uint16 mosaic in DN: Poisson shot noise, Tukey-lambda read noise, row noise, black-level error, hot
        pixels, dead pixels, bands, rounding and saturation.
    """
    height, width = clean_dn.shape
    electrons = np.maximum(clean_dn - black, 0.0) / (ratio * noise.gain)
    signal = rng.poisson(electrons).astype(np.float32) * np.float32(noise.gain)
    signal += noise.read_scale * tukey_lambda(noise.shape, (height, width), rng)
    signal += (noise.row_scale * rng.standard_normal((height, 1))).astype(np.float32)
    if noise.banding > 0:
        signal += noise.banding * _bands(height, rng)[:, None]
    signal += cfa.spread(_bias(noise.colour_bias, cfa), (height, width))
    if noise.column_scale > 0:
        signal += (noise.column_scale * rng.standard_normal((1, width))).astype(np.float32)
    hot = rng.random((height, width), dtype=np.float32) < noise.hot_pixels
    signal[hot] += rng.uniform(0.02, 0.5) * (white - black) / ratio
    if noise.dead_pixels > 0:
        signal[rng.random((height, width), dtype=np.float32) < noise.dead_pixels] = 0.0
    return np.asarray(np.clip(np.rint(signal + black), 0, white), dtype=np.uint16)


def _bias(of_bayer: tuple[float, float, float, float], cfa: Cfa) -> tuple[float, ...]:
    """The black level's error at each site of a filter: of Bayer by place, of others by colour."""
    if cfa.is_bayer:
        return of_bayer
    red, green, _, blue = of_bayer
    return tuple((red, green, blue)[site.colour] for site in cfa.sites)


def _bands(height: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(height,) slow bands of unit variance: offsets that drift over 8 to 64 rows, like power supply ripple."""
    lines = int(rng.integers(8, 65))
    steps = rng.standard_normal(height // lines + 3)
    rows = np.interp(np.arange(height) / lines + rng.uniform(), np.arange(len(steps)), steps)
    return np.asarray(rows * 1.22, dtype=np.float32)  # linear interpolation leaves two thirds of the variance
