"""Widen a trained autoencoder, to continue training with more channels (after Net2Net: Chen et al., ICLR 2016)."""

from collections.abc import Sequence

import torch

from darkdiff_models.networks.autoencoder import ResidualAutoencoderKL


@torch.no_grad()
def widened(
    vae: ResidualAutoencoderKL, block_out_channels: Sequence[int], norm_num_groups: int
) -> ResidualAutoencoderKL:
    """A wider autoencoder that starts from a trained one.

    The first channels of every level keep their weights. New channels start at random, and the weights from new to old
    channels start at zero, so that the old channels do not change. Where a level's group norms keep their group size
    (groups grow as much as channels) the picture is the same; elsewhere the norms' statistics change, and some training
    has to make up for it.

    Args:
        vae: trained.
        block_out_channels: width of each level, none narrower than it was.
        norm_num_groups: groups of the group norms.

    Raises:
        ValueError: the number of levels differs; a level would get narrower; a shortcut convolution would appear or
            vanish (neighbouring levels of equal width become unequal, or the other way round); or the last level would
            get wider and has attention, whose new queries and keys would change the picture at once.
    """
    old = tuple(vae.config["block_out_channels"])
    new = tuple(block_out_channels)
    if len(new) != len(old) or any(wide < narrow for wide, narrow in zip(new, old, strict=False)):
        raise ValueError(f"an autoencoder of widths {old} cannot be widened to {new}")
    if vae.config["mid_block_add_attention"] and new[-1] != old[-1]:
        raise ValueError(f"an autoencoder with attention in the middle cannot be widened there, from {old} to {new}")
    config = {**vae.config, "block_out_channels": new, "norm_num_groups": norm_num_groups}
    wide = ResidualAutoencoderKL(**{key: value for key, value in config.items() if not key.startswith("_")})
    if set(wide.state_dict()) != set(vae.state_dict()):
        raise ValueError(f"an autoencoder of widths {old} cannot be widened to {new}: its shortcuts would not fit")
    weights = vae.state_dict()
    for name, target in wide.state_dict().items():
        source = weights[name]
        if source.ndim > 1:
            target[: source.shape[0], source.shape[1] :] = 0
            target[: source.shape[0], : source.shape[1]] = source
        else:
            target[: source.shape[0]] = source
    return wide
