"""LPIPS v0.1 with AlexNet or VGG-16 (Zhang et al., CVPR 2018), as a loss and as a metric."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

Network = Literal["alex", "vgg"]


class Tap(NamedTuple):
    """Layers that lead to one of the compared features: a pooling (kernel, stride) or None, then convolutions.

    Each convolution is (index in torchvision's numbering, in, out, kernel, stride, padding).
    """

    pooling: tuple[int, int] | None
    convolutions: tuple[tuple[int, int, int, int, int, int], ...]


TAPS: dict[Network, tuple[Tap, ...]] = {
    "alex": (
        Tap(None, ((0, 3, 64, 11, 4, 2),)),
        Tap((3, 2), ((3, 64, 192, 5, 1, 2),)),
        Tap((3, 2), ((6, 192, 384, 3, 1, 1),)),
        Tap(None, ((8, 384, 256, 3, 1, 1),)),
        Tap(None, ((10, 256, 256, 3, 1, 1),)),
    ),
    "vgg": (
        Tap(None, ((0, 3, 64, 3, 1, 1), (2, 64, 64, 3, 1, 1))),
        Tap((2, 2), ((5, 64, 128, 3, 1, 1), (7, 128, 128, 3, 1, 1))),
        Tap((2, 2), ((10, 128, 256, 3, 1, 1), (12, 256, 256, 3, 1, 1), (14, 256, 256, 3, 1, 1))),
        Tap((2, 2), ((17, 256, 512, 3, 1, 1), (19, 512, 512, 3, 1, 1), (21, 512, 512, 3, 1, 1))),
        Tap((2, 2), ((24, 512, 512, 3, 1, 1), (26, 512, 512, 3, 1, 1), (28, 512, 512, 3, 1, 1))),
    ),
}
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # the reference package's input normalisation


class LPIPS(nn.Module):
    """Learned perceptual distance of two pictures; 0 for the same picture. The weights are frozen.

    Args:
        network: "alex" or "vgg".
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, network: Network = "alex") -> None:
        super().__init__()
        self.taps = TAPS[network]
        layers = [layer for tap in self.taps for layer in tap.convolutions]
        self.features = nn.ModuleDict({str(n): nn.Conv2d(i, o, k, s, p) for n, i, o, k, s, p in layers})
        self.heads = nn.ParameterList([torch.zeros(1, tap.convolutions[-1][2], 1, 1) for tap in self.taps])
        self.register_buffer("shift", torch.tensor(SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(SCALE).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    @classmethod
    def from_file(cls, path: str | Path, network: Network = "alex") -> "LPIPS":
        """Load safetensors in torchvision's names (`features.N.*`) with the learned heads (`linN.model.1.weight`).

        Raises:
            ValueError: the file holds no such weights, or another network's.
        """
        model = cls(network)
        try:
            weights = load_file(str(path))
            with torch.no_grad():
                for number, conv in model.features.items():
                    conv.load_state_dict({part: weights[f"features.{number}.{part}"] for part in ("weight", "bias")})
                for index, head in enumerate(model.heads):
                    head.copy_(weights[f"lin{index}.model.1.weight"])
        except (OSError, KeyError, RuntimeError, SafetensorError) as error:
            raise ValueError(f"{path}: holds no LPIPS weights of the network {network}") from error
        return model.eval()

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Distance of each pair.

        Args:
            first, second: (batch, 3, h, w) sRGB in [0, 1], h and w at least 32.

        Returns:
            (batch,) distances.
        """
        distance = first.new_zeros(first.shape[0])
        for a, b, head in zip(self._stages(first), self._stages(second), self.heads, strict=True):
            distance = distance + F.conv2d((a - b) ** 2, head).mean(dim=(1, 2, 3))
        return distance

    def activations(self, srgb_01: Tensor, stage: int) -> Tensor:
        """What the network sees at one of its stages, not normalised.

        Args:
            srgb_01: (batch, 3, h, w) sRGB in [0, 1], h and w at least 32.
            stage: 0 to 4.

        Returns:
            (batch, `width(stage)`, h', w') values of 0 or more.
        """
        return next(islice(self._activations(srgb_01), stage, None))

    def width(self, stage: int) -> int:
        """Channels of a stage."""
        return self.taps[stage].convolutions[-1][2]

    def _activations(self, srgb_01: Tensor) -> Iterator[Tensor]:
        x = (srgb_01 * 2 - 1 - self.shift) / self.scale
        for tap in self.taps:
            if tap.pooling is not None:
                x = F.max_pool2d(x, *tap.pooling)
            for layer in tap.convolutions:
                x = F.relu(self.features[str(layer[0])](x))
            yield x

    def _stages(self, srgb_01: Tensor) -> list[Tensor]:
        return [x / (x.pow(2).sum(1, keepdim=True) + 1e-10).sqrt() for x in self._activations(srgb_01)]
