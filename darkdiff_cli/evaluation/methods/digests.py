"""Short digests by which a resumed comparison knows its models again."""

import hashlib
import json

import torch

from darkdiff_cli.enhancer import Enhancer


def weights_digest(*networks: torch.nn.Module) -> str:
    """A short digest of all weights."""
    digest = hashlib.blake2b(digest_size=8)
    for network in networks:
        for parameter in network.parameters():
            digest.update(parameter.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()


def model_digest(enhancer: Enhancer) -> str:
    """A short digest of a model's weights and of the settings that it carries."""
    pipeline = enhancer.pipeline
    carried = {key: value for key, value in dict(pipeline.config).items() if not key.startswith("_")}
    settings = hashlib.blake2b(json.dumps(carried, sort_keys=True).encode(), digest_size=4)
    return weights_digest(pipeline.vae, pipeline.context, pipeline.unet) + settings.hexdigest()
