"""The networks of DarkDiff (Zheng et al., arXiv 2505.23743): tensors in, tensors out."""

from darkdiff_models.attention import RegionCrossAttention
from darkdiff_models.autoencoder import Encoding, ResidualAutoencoderKL
from darkdiff_models.context import ContextProcessor
from darkdiff_models.pipeline import DarkDiffPipeline
from darkdiff_models.pipeline_output import DarkDiffOutput
from darkdiff_models.unet import Condition, DarkDiffUNet

__all__ = [
    "Condition",
    "ContextProcessor",
    "DarkDiffOutput",
    "DarkDiffPipeline",
    "DarkDiffUNet",
    "Encoding",
    "RegionCrossAttention",
    "ResidualAutoencoderKL",
]
