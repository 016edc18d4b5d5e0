"""The sensor's size of a synthetic pair: its mosaic with the noise that it was given, and the truth."""

import numpy as np
import torch
from numpy.typing import NDArray

from darkdiff_cli.datasets.pairs import FullSize
from darkdiff_cli.raw import RawFrame
from darkdiff_cli.raw.noise import MeasuredNoise
from darkdiff_cli.raw.sparse import noise_of_colours, sparse_colours
from darkdiff_cli.synthesis import SensorNoise
from darkdiff_models.detail import Samples

NOISE_ERROR = 0.25  # standard deviation of the error, in natural logarithms, with which noise is measured


def full_size(
    dark: RawFrame, ratio: float, noise: SensorNoise, truth_01: NDArray[np.float32], rng: np.random.Generator
) -> FullSize:
    """The images of stage 3.

    Args:
        dark: the dark exposure.
        ratio: its amplification ratio.
        noise: the noise that it was given; the network is told of it with an error, as a measurement would have.
        truth_01: (H, W, 3) sRGB, the target.
        rng: source of randomness.
    """
    sparse = sparse_colours(dark, ratio)
    told = MeasuredNoise(noise.gain, noise.read_variance**0.5)
    measured = noise_of_colours(dark, ratio, told) * np.exp(rng.normal(0.0, NOISE_ERROR, 2))
    samples = Samples.of_arrays(*sparse, measured, dark.matrix).each(lambda part: part[0])
    return FullSize(samples, torch.from_numpy(np.ascontiguousarray(truth_01.transpose(2, 0, 1))))
