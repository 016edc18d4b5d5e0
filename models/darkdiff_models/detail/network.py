"""The network that adds what the mosaic knows to the half-size picture."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from darkdiff_models.detail.samples import Samples, enlarged, root, squared
from darkdiff_models.networks.precision import exact, matched

ANCHOR = 16  # half-size pixels: means over this size stay those of the half-size picture, where noise hides them
SURE = 0.01  # relative error of such a mean, of the light that the sensor counted, at which both count the same
INPUTS = 3 * 12 + 3 + 3  # what the mosaic has beyond the half-size picture, spread, the mask; that picture, noise
CALM = 0.1  # Adam moves each of the last layers' weights by its rate: without it, sums of a thousand inputs tremble
SPREAD = 0.8  # photosites, standard deviation of the Gaussian that carries colours to places where none was seen
REACH = 2  # photosites it reaches: in 5x5 of them every filter has all colours


class Detail(ModelMixin, ConfigMixin):
    """Half-size picture and mosaic -> full-size picture, for any colour filter.

    A U-Net without norms, so that tiles do not show. It sees the mosaic as sparse colours with a mask, a quad to a
    place, and works at half size. What it adds goes on top of the enlarged half-size picture, all in the sensor's own
    primaries and under a square root. Where the sensor counted too little light to know the mean of 16x16 half-size
    pixels, that mean stays the half-size picture's: the dark gets no colour of this network's own.

    Args:
        block_out_channels: widths at half size, a quarter, an eighth.
        blocks: residual blocks on the way down and up at each of these sizes.
    """

    @register_to_config
    def __init__(
        self, block_out_channels: tuple[int, ...] = (32, 64, 128), blocks: tuple[int, ...] = (2, 2, 3)
    ) -> None:
        super().__init__()
        widths = block_out_channels
        self.conv_in = nn.Conv2d(INPUTS, widths[0], 3, padding=1)
        self.down = nn.ModuleList(_chain(width, count) for width, count in zip(widths, blocks, strict=True))
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(widths))
        self.grow = nn.ModuleList(nn.Conv2d(b, 4 * a, 1) for a, b in pairwise(widths))
        self.up = nn.ModuleList(_chain(width, count) for width, count in zip(widths, blocks[:-1], strict=False))
        self.conv_out = nn.Conv2d(widths[0], 12, 3, padding=1)
        self.direct = nn.Conv2d(INPUTS, 12, 5, padding=2)  # the linear part: a demosaicing filter
        for last in (self.conv_out, self.direct):
            nn.init.zeros_(last.weight)
            assert last.bias is not None
            nn.init.zeros_(last.bias)

    @property
    def multiple(self) -> int:
        """Sides of the half-size picture are multiples of this."""
        return max(ANCHOR, 2 ** (len(self.config["block_out_channels"]) - 1))

    def forward(self, half: Tensor, samples: Samples) -> Tensor:
        """Make the full-size picture.

        Args:
            half: (batch, 3, h, w) half-size picture, sRGB; h and w are multiples of `multiple`.
            samples: the mosaic, (batch, 3, 2h, 2w).

        Returns:
            (batch, 3, 2h, 2w) sRGB, not clipped.
        """
        light = samples.half_light(half)
        base = root(light)
        beyond = (root(samples.colours) - enlarged(base)) * samples.mask  # a value at each photosite
        seen = [F.pixel_unshuffle(part, 2) for part in (beyond, _spread(beyond, samples.mask), samples.mask)]
        inputs = torch.cat([*seen, base, samples.deviation(light).sqrt()], dim=1).contiguous(
            memory_format=torch.channels_last
        )
        hidden = self._features(self.conv_in(matched(inputs, self.conv_in)))
        added = self.conv_out(matched(hidden, self.conv_out)) + self.direct(matched(inputs, self.direct))
        full = enlarged(base) + CALM * F.pixel_shuffle(added, 2).float()
        return samples.srgb(_anchored(squared(full), light, samples))

    def _features(self, hidden: Tensor) -> Tensor:
        skips = []
        for level, blocks in enumerate(self.down):
            if level:
                skips.append(hidden)
                hidden = self.shrink[level - 1](hidden)
            hidden = blocks(hidden)
        for level in reversed(range(len(skips))):
            hidden = skips[level] + F.pixel_shuffle(self.grow[level](hidden), 2)
            hidden = self.up[level](hidden)
        return hidden


class _Block(nn.Module):
    """x + conv(relu(conv(x)))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)  # a block begins as the identity
        assert self.conv2.bias is not None
        nn.init.zeros_(self.conv2.bias)

    def forward(self, hidden: Tensor) -> Tensor:
        return torch.as_tensor(hidden + self.conv2(F.relu(self.conv1(hidden))))


def _chain(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(_Block(width) for _ in range(count)))


def _spread(seen: Tensor, mask: Tensor) -> Tensor:
    """Sparse colours at every place: the mean of the photosites around that saw them, the nearer ones weighing more."""
    offsets = torch.arange(-REACH, REACH + 1, device=seen.device, dtype=seen.dtype)
    line = torch.exp(-0.5 * (offsets / SPREAD) ** 2)
    kernel = (line[:, None] * line).expand(seen.shape[1], 1, -1, -1)
    with exact(seen.device):
        total, weight = (F.conv2d(part, kernel, padding=REACH, groups=seen.shape[1]) for part in (seen, mask))
    return total / (weight + 1e-6)


def _anchored(full: Tensor, half: Tensor, samples: Samples) -> Tensor:
    """Give full-size light the half-size light's means over blocks, as far as noise hides them from the sensor.

    Places count by the inverse of their noise's variance: what a lamp lacks is not taken from the black around it.
    """
    low = F.avg_pool2d(full, 2)
    weight = samples.deviation(torch.maximum(half, low.detach())).square().clamp_min(1e-12).reciprocal()
    total = F.avg_pool2d(weight, ANCHOR)
    blocks, missing = (F.avg_pool2d(weight * part, ANCHOR) / total for part in (half, half - low))
    sites = F.avg_pool2d(samples.mask, 2 * ANCHOR) * (2 * ANCHOR) ** 2
    doubt = samples.deviation(blocks).square() / sites.clamp_min(1)
    share = doubt / (doubt + (SURE * blocks).square() + 1e-12)
    return full + F.interpolate(share * missing, size=full.shape[-2:], mode="bilinear", align_corners=False)
