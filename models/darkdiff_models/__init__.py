"""The networks of DarkDiff (Zheng et al., arXiv 2505.23743): tensors in, tensors out."""

from importlib import import_module
from typing import TYPE_CHECKING

from darkdiff_models.connections import forbid_telemetry

if TYPE_CHECKING:
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

forbid_telemetry()  # before anything here imports huggingface_hub or diffusers

_HOMES = {
    "RegionCrossAttention": "networks.attention",
    "Encoding": "networks.autoencoder",
    "ResidualAutoencoderKL": "networks.autoencoder",
    "ContextProcessor": "networks.context",
    "Condition": "networks.unet",
    "DarkDiffUNet": "networks.unet",
    "DarkDiffPipeline": "pipeline",
    "DarkDiffOutput": "pipeline_output",
    "Sampling": "sampling_settings",
    "SamplingSettings": "sampling_settings",
}


def __getattr__(name: str) -> object:
    """Import a class when it is first asked for: digests and the list of models need no torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
