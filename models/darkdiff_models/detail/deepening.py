"""Deepen a trained Detail, to continue training with more residual blocks."""

from collections.abc import Sequence

import torch

from darkdiff_models.detail.network import Detail


@torch.no_grad()
def deepened(detail: Detail, blocks: Sequence[int]) -> Detail:
    """A deeper network that starts from a trained one and makes the same picture.

    Every chain keeps its blocks; new ones follow them, and a new block is the identity.

    Args:
        detail: trained.
        blocks: residual blocks at each size, none fewer than it has.

    Raises:
        ValueError: the number of sizes differs, or one would lose blocks.
    """
    old, new = tuple(detail.config["blocks"]), tuple(blocks)
    if len(new) != len(old) or any(after < before for after, before in zip(new, old, strict=True)):
        raise ValueError(f"a network of {old} blocks cannot be deepened to {new}")
    deep = Detail(tuple(detail.config["block_out_channels"]), new)
    deep.load_state_dict({**deep.state_dict(), **detail.state_dict()})
    return deep
