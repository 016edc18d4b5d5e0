"""The regression baseline: the U-Net of See-in-the-Dark (Chen et al., CVPR 2018)."""

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

LEVELS = 5


class SidUNet(ModelMixin, ConfigMixin):
    """See-in-the-Dark's U-Net: amplified Bayer planes in, sRGB out.

    Five levels of two 3x3 convolutions with leaky ReLU, max pooling down, transposed convolutions up, no norms. The
    original ends in twelve channels that are rearranged to the sensor's full size; here the picture has the planes'
    size, as everywhere in this project, and the last convolution has three channels.

    Args:
        in_channels: Bayer planes.
        out_channels: channels of the picture.
        width: channels of the first level, doubled by each of the next (32 in the original).
    """

    @register_to_config
    def __init__(self, in_channels: int = 4, out_channels: int = 3, width: int = 32) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(LEVELS)]
        self.down = nn.ModuleList(
            [_Pair(into, out) for into, out in zip([in_channels, *widths[:-1]], widths, strict=True)]
        )
        self.grow = nn.ModuleList([nn.ConvTranspose2d(2 * out, out, 2, 2) for out in reversed(widths[:-1])])
        self.up = nn.ModuleList([_Pair(2 * out, out) for out in reversed(widths[:-1])])
        self.last = nn.Conv2d(width, out_channels, 1)

    @property
    def multiple(self) -> int:
        """Height and width must be multiples of this."""
        return int(2 ** (LEVELS - 1))

    def forward(self, planes: Tensor) -> Tensor:
        """(batch, in_channels, h, w) amplified planes, 1 = saturation -> (batch, out_channels, h, w), not clipped."""
        skips: list[Tensor] = []
        hidden = planes
        for level, pair in enumerate(self.down):
            hidden = pair(hidden if level == 0 else F.max_pool2d(hidden, 2))
            skips.append(hidden)
        skips.pop()
        for grow, pair in zip(self.grow, self.up, strict=True):
            hidden = pair(torch.cat([grow(hidden), skips.pop()], dim=1))
        return torch.as_tensor(self.last(hidden))


class _Pair(nn.Module):
    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(into, out, 3, padding=1)
        self.second = nn.Conv2d(out, out, 3, padding=1)

    def forward(self, hidden: Tensor) -> Tensor:
        hidden = F.leaky_relu(self.first(hidden), 0.2)
        return F.leaky_relu(self.second(hidden), 0.2)
