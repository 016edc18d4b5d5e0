"""A trained autoencoder made wider, to go on learning with more channels (after Net2Net: Chen et al., ICLR 2016)."""

from collections.abc import Sequence

import torch

from darkdiff_models.networks.autoencoder import ResidualAutoencoderKL


@torch.no_grad()
def widened(
    vae: ResidualAutoencoderKL, block_out_channels: Sequence[int], norm_num_groups: int
) -> ResidualAutoencoderKL:
    """A wider autoencoder that goes on from a trained one.

    The first channels of every level are the old ones. The new ones start at random and feed no old one: all that
    leads from them starts at zero, so they change nothing before they have learnt. Where a level's group norms keep
    their group size (as many times more groups as channels) the picture is the same; elsewhere their statistics
    change, and some training has to make up for it.

    Args:
        vae: trained.
        block_out_channels: width of each level, none narrower than it was.
        norm_num_groups: groups of the group norms.

    Raises:
        ValueError: another number of levels, a level narrower than before, or a shortcut convolution without a place
            (two neighbouring levels of one width that had different ones, or the other way round); or attention in
            the middle, whose new queries would meet the new keys at once, on a level that is to be wider.
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
