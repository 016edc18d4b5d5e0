"""What the networks see of a frame."""

import torch

from darkdiff_cli.enhancer.monochrome import behind_a_filter
from darkdiff_cli.enhancer.values import Developed
from darkdiff_cli.raw import Exposure, RawFrame, network_input
from darkdiff_cli.raw.sparse import noise_of_colours, sparse_colours
from darkdiff_models import DarkDiffPipeline, SamplingSettings
from darkdiff_models.detail import Samples


def developed(exposure: Exposure, pipeline: DarkDiffPipeline, sampling: SamplingSettings) -> Developed:
    """Bring a frame into the form that a model takes.

    Args:
        exposure: the frame and its amplification ratio.
        pipeline: the model.
        sampling: settings of the diffusion; its size decides whether the mosaic is needed.

    Raises:
        ValueError: a setting is out of range, or the model has not the size.
    """
    config = dict(pipeline.config)
    full = pipeline.resolved(sampling).size == "full"
    frame = behind_a_filter(exposure.frame) if full else exposure.frame
    image = network_input(frame, exposure.ratio, config["lrgb_space"], config["data_format"], full)
    samples = _samples(frame, exposure) if full else None
    return Developed(exposure, torch.from_numpy(image), samples)


def _samples(frame: RawFrame, exposure: Exposure) -> Samples | None:
    """What the sensor saw, of which detail is made; None where LRGB has the picture's full size."""
    if not frame.has_full_size:
        return None
    noise = noise_of_colours(frame, exposure.ratio, exposure.noise)
    share = None if exposure.noise_share is None else exposure.noise_share[None]
    return Samples.of_arrays(*sparse_colours(frame, exposure.ratio), noise, frame.matrix, share)
