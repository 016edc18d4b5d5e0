"""Group norm for training: fast in bfloat16 on a CPU, and in half precision on a GPU."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FastGroupNorm(nn.GroupNorm):
    """A group norm whose backward pass is fast for channels-last bfloat16 images on a CPU.

    Torch's own takes longer there than all convolutions together. This one works on whole images and sums over pixels
    by matrix products, which are fastest on CPUs with AMX. Under autocast on CUDA it runs in half precision, where
    autocast would choose fp32. In all other cases it is torch's own.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(batch, channels, h, w) -> the same shape, each group of channels with mean 0 and variance 1, then scaled."""
        if input.device.type == "cuda" and torch.is_autocast_enabled("cuda") and self.affine:
            return self._half(input)
        slow = input.device.type == "cpu" and input.dtype == torch.bfloat16 and input.ndim == 4
        if not (slow and torch.is_grad_enabled() and self.affine):
            return super().forward(input)
        images = input.contiguous(memory_format=torch.channels_last)
        return torch.as_tensor(_Normalise.apply(images, self.weight, self.bias, self.num_groups, self.eps))

    def _half(self, input: Tensor) -> Tensor:
        """Half precision where autocast would choose fp32: CUDA's kernels accumulate in fp32 anyway."""
        dtype = torch.get_autocast_dtype("cuda")
        with torch.autocast("cuda", enabled=False):
            weight, bias = self.weight.to(dtype), self.bias.to(dtype)
            return F.group_norm(input.to(dtype), self.num_groups, weight, bias, self.eps)


class _Normalise(torch.autograd.Function):
    """y = gamma (x - mean) rstd + beta, mean and rstd of each image and group."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, groups: int, eps: float) -> Tensor:
        batch, channels, height, width = x.shape
        y, mean, rstd = torch.ops.aten.native_group_norm(x, gamma, beta, batch, channels, height * width, groups, eps)
        ctx.save_for_backward(x, gamma, mean, rstd)
        return torch.as_tensor(y)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """With g = gamma dy, means per group: dx = rstd (g - mean(g) - xhat mean(g xhat)), xhat = (x - mean) rstd.

        Written as dx = rstd gamma dy + slope x + offset, where slope and offset are one number per image and group.
        """
        x, gamma, mean, rstd = ctx.saved_tensors
        batch, channels, height, width = x.shape
        groups = mean.shape[1]
        size = channels // groups

        def per_channel(numbers: Tensor) -> Tensor:
            """(batch, groups) -> (batch, channels)."""
            return numbers.repeat_interleave(size, dim=1)

        def per_group(numbers: Tensor) -> Tensor:
            """(batch, channels) -> (batch, groups), weighted by gamma."""
            return (numbers * gamma.float()).view(batch, groups, size).sum(2)

        dy = gradients[0].contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1)
        pixels = x.permute(0, 2, 3, 1)
        mean, rstd = mean.float(), rstd.float()
        dy_sum, dy_x_sum = _sum(dy), _sum(dy * pixels)
        share = 1.0 / (size * height * width)
        slope = (per_group(dy_sum) * mean - per_group(dy_x_sum)) * rstd**3 * share
        offset = -slope * mean - per_group(dy_sum) * rstd * share
        scale, slope, offset = (
            numbers.to(x.dtype)[:, None, None]
            for numbers in (per_channel(rstd) * gamma, per_channel(slope), per_channel(offset))
        )
        dx = torch.addcmul(torch.addcmul(offset, pixels, slope), dy, scale)
        dgamma = ((dy_x_sum - dy_sum * per_channel(mean)) * per_channel(rstd)).sum(0)
        return dx.permute(0, 3, 1, 2), dgamma.to(gamma.dtype), dy_sum.sum(0).to(gamma.dtype), None, None


def _sum(pixels: Tensor) -> Tensor:
    """(batch, h, w, channels) bfloat16 -> (batch, channels) float32 sums over the pixels, row by row."""
    batch, height, width, channels = pixels.shape
    ones = torch.ones(batch * height, 1, width, dtype=pixels.dtype)
    rows = torch.bmm(ones, pixels.reshape(batch * height, width, channels))
    return rows.float().view(batch, height, channels).sum(1)
