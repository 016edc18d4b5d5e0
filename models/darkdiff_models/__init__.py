"""The networks of DarkDiff (Zheng et al., arXiv 2505.23743): tensors in, tensors out."""

from darkdiff_models.networks.attention import RegionCrossAttention
from darkdiff_models.networks.autoencoder import Encoding, ResidualAutoencoderKL
from darkdiff_models.networks.context import ContextProcessor
from darkdiff_models.networks.unet import Condition, DarkDiffUNet
from darkdiff_models.pipeline import DarkDiffPipeline
from darkdiff_models.pipeline_output import DarkDiffOutput
from darkdiff_models.sampling_settings import Sampling, SamplingSettings

__all__ = [
    "Condition",
    "ContextProcessor",
    "DarkDiffOutput",
    "DarkDiffPipeline",
    "DarkDiffUNet",
    "Encoding",
    "RegionCrossAttention",
    "ResidualAutoencoderKL",
    "Sampling",
    "SamplingSettings",
]
