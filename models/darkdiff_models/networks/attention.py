"""Attention of the denoiser: self, text, and the region cross-attention of the paper (Sec. 4.2, Eq. 5-7)."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BIAS_SCALE = 32.0  # logits of a position bias of 1: at the learning rates of weights, 1 logit takes thousands of steps


class KeyValue(NamedTuple):
    """Projected keys and values, split into heads, computed once and reused at every denoising step.

    Attributes:
        key, value: (batch, heads, tokens, head_dim).
        mask: (batch, 1, 1, tokens) bool, True for tokens that are not padding; None if there is no padding. For
            `attend`, also numbers that are added to the logits, (1 or batch, heads, queries, tokens).
    """

    key: Tensor
    value: Tensor
    mask: Tensor | None = None


@cache
def _xformers_attention() -> Any | None:
    """xformers' attention if it is installed and loads, else None; called on CUDA only."""
    try:
        from xformers.ops import memory_efficient_attention
    except (ImportError, OSError):
        return None
    return memory_efficient_attention


def attention_library(device: torch.device) -> str:
    """Which library `attend` calls on a device: "xformers", or "torch", which chooses among its own kernels."""
    return "xformers" if device.type == "cuda" and _xformers_attention() is not None else "torch"


def attend(query: Tensor, kv: KeyValue) -> Tensor:
    """Softmax attention over (batch, heads, tokens, head_dim), by xformers on CUDA, else by torch.

    Masked attention always uses torch: xformers needs masks that are aligned and expanded in memory. So do compiled
    networks: an import inside them would break their graph.
    """
    eager_cuda = query.is_cuda and not torch.compiler.is_compiling()
    if eager_cuda and kv.mask is None and (fast := _xformers_attention()) is not None:
        q, k, v = (x.transpose(1, 2).contiguous() for x in (query, kv.key, kv.value))
        return torch.as_tensor(fast(q, k, v)).transpose(1, 2)
    return F.scaled_dot_product_attention(query, kv.key, kv.value, attn_mask=kv.mask)


class CrossAttention(nn.Module):
    """Multi-head cross-attention, with diffusers' parameter names.

    Args:
        dim: width of the queries and of the output.
        heads: number of heads, a divisor of dim.
        context_dim: width of the context tokens.
    """

    def __init__(self, dim: int, heads: int, context_dim: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(dim, dim, bias=False)
        self.to_k = nn.Linear(context_dim, dim, bias=False)
        self.to_v = nn.Linear(context_dim, dim, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(dim, dim)])

    def split_heads(self, tokens: Tensor) -> Tensor:
        """(batch, tokens, dim) -> (batch, heads, tokens, head_dim)."""
        return tokens.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def project(self, context: Tensor) -> KeyValue:
        """Keys and values of (batch, tokens, context_dim) context tokens."""
        return KeyValue(self.split_heads(self.to_k(context)), self.split_heads(self.to_v(context)))

    def attend_tokens(self, tokens: Tensor, kv: KeyValue) -> Tensor:
        """Attend from (batch, tokens, dim) to kv; a kv of batch 1 is used for the whole batch."""
        batch = tokens.shape[0]
        if kv.key.shape[0] != batch:
            kv = KeyValue(kv.key.expand(batch, -1, -1, -1), kv.value.expand(batch, -1, -1, -1), kv.mask)
        hidden = attend(self.split_heads(self.to_q(tokens)), kv)
        return torch.as_tensor(self.to_out[0](hidden.transpose(1, 2).flatten(2)))

    def forward(self, tokens: Tensor, kv: KeyValue, size: tuple[int, int]) -> Tensor:  # noqa: ARG002
        """Attend globally; `size` is unused, `RegionCrossAttention` needs it."""
        return self.attend_tokens(tokens, kv)


class SelfAttention(CrossAttention):
    """Multi-head self-attention."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__(dim, heads, dim)

    def attend_self(self, tokens: Tensor) -> Tensor:
        """(batch, tokens, dim) -> the same shape."""
        return self.attend_tokens(tokens, self.project(tokens))


class RegionCrossAttention(CrossAttention):
    """Cross-attention inside regions: a token sees only the context of its own square (Sec. 4.2, Eq. 5-7).

    Args:
        dim: width of queries, context tokens and output.
        heads: number of heads.
        region_size: side of a region in tokens, at every level of the U-Net; 0 makes the whole map one region, which
            is global cross-attention (the paper's Table 6).
        position_bias: whether each head learns a number for every offset of key and query, which times BIAS_SCALE is
            added to the logits (Liu et al. 2021, arXiv 2103.14030). It starts at zero. The paper has none.

    Raises:
        ValueError: a position bias for the whole map, whose offsets have no bound.
    """

    def __init__(self, dim: int, heads: int, region_size: int, position_bias: bool = False) -> None:
        super().__init__(dim, heads, dim)
        if position_bias and region_size == 0:
            raise ValueError("a position bias needs regions: set region_size above 0, or leave the bias out")
        self.region_size = region_size
        self.norm_context = nn.LayerNorm(dim)
        offsets = (2 * region_size - 1) ** 2
        self.position_bias = nn.Parameter(torch.zeros(1, heads, offsets)) if position_bias else None

    def project_features(self, features: Tensor) -> KeyValue:
        """Keys and values of a context map.

        Args:
            features: (batch, dim, h, w) from the context processor.

        Returns:
            KeyValue of (batch * regions, heads, region_size ** 2, head_dim), with a mask where the map was padded.
        """
        tokens = self.norm_context(features.permute(0, 2, 3, 1))
        side = self._side(features.shape[-2:])
        key, value = (self.split_heads(to_regions(linear(tokens), side)) for linear in (self.to_k, self.to_v))
        return KeyValue(key, value, region_mask(features.shape[-2:], side, features))

    def forward(self, tokens: Tensor, kv: KeyValue, size: tuple[int, int]) -> Tensor:
        """Attend within regions.

        Args:
            tokens: (batch, h * w, dim).
            kv: from `project_features` of a map of the same h and w.
            size: (h, w).
        """
        side = self._side(size)
        regions = to_regions(tokens.unflatten(1, size), side)
        if self.position_bias is not None:
            bias = BIAS_SCALE * self.position_bias[..., relative_positions(side, kv.key.device)]
            kv = kv._replace(mask=bias if kv.mask is None else torch.where(kv.mask, bias, -torch.inf))
        return from_regions(self.attend_tokens(regions, kv), side, size).flatten(1, 2)

    def _side(self, size: Sequence[int]) -> int:
        return self.region_size or max(size)


def to_regions(tokens: Tensor, region_size: int) -> Tensor:
    """(batch, h, w, dim) -> (batch * regions, region_size ** 2, dim), padded below and right with zeros."""
    height, width = tokens.shape[1:3]
    tokens = F.pad(tokens, (0, 0, 0, -width % region_size, 0, -height % region_size))
    grid = tokens.unflatten(2, (-1, region_size)).unflatten(1, (-1, region_size))
    return grid.transpose(2, 3).flatten(0, 2).flatten(1, 2)


def from_regions(regions: Tensor, region_size: int, size: tuple[int, int]) -> Tensor:
    """Undo `to_regions`: (batch * regions, region_size ** 2, dim) -> (batch, h, w, dim)."""
    rows, columns = (-(-n // region_size) for n in size)
    grid = regions.unflatten(1, (region_size, region_size)).unflatten(0, (-1, rows, columns))
    return grid.transpose(2, 3).flatten(3, 4).flatten(1, 2)[:, : size[0], : size[1]]


def region_mask(size: torch.Size | tuple[int, ...], region_size: int, like: Tensor) -> Tensor | None:
    """True for tokens that are not padding, (batch * regions, 1, 1, region_size ** 2); None without padding."""
    height, width = size
    if height % region_size == 0 and width % region_size == 0:
        return None
    real = torch.ones(like.shape[0], height, width, 1, dtype=torch.bool, device=like.device)
    return to_regions(real, region_size)[:, None, None, :, 0]


def relative_positions(region_size: int, device: torch.device) -> Tensor:
    """Which offset of the (2 * region_size - 1) ** 2 lies between two tokens of a region.

    Returns:
        (region_size ** 2, region_size ** 2): row by row of offsets from -(region_size - 1) on, for each query (first)
        and key, where the key lies as seen from the query.
    """
    places = torch.arange(region_size**2, device=device)
    row, column = places // region_size, places % region_size
    down, right = (place[None, :] - place[:, None] + region_size - 1 for place in (row, column))
    return down * (2 * region_size - 1) + right
