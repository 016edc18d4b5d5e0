"""LPIPS v0.1 with AlexNet (Zhang et al., CVPR 2018), as a loss and as a metric."""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

# AlexNet's convolutions in torchvision's numbering: index, in, out, kernel, stride, padding.
ALEXNET = (
    (0, 3, 64, 11, 4, 2),
    (3, 64, 192, 5, 1, 2),
    (6, 192, 384, 3, 1, 1),
    (8, 384, 256, 3, 1, 1),
    (10, 256, 256, 3, 1, 1),
)
POOLED_BEFORE = (1, 2)  # stages that begin with a 3x3 max pooling of stride 2
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)  # the reference package's input normalisation


class LPIPS(nn.Module):
    """Learned perceptual distance of two pictures; 0 for the same picture. The weights never train.

    Raises:
        KeyError: `from_file` met a file without the expected weights.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.ModuleDict({str(n): nn.Conv2d(i, o, k, s, p) for n, i, o, k, s, p in ALEXNET})
        self.heads = nn.ParameterList([torch.zeros(1, stage[2], 1, 1) for stage in ALEXNET])
        self.register_buffer("shift", torch.tensor(SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(SCALE).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    @classmethod
    def from_file(cls, path: str | Path) -> "LPIPS":
        """Load safetensors in torchvision's names (`features.N.*`) with the learned heads (`linN.model.1.weight`)."""
        weights = load_file(str(path))
        model = cls()
        with torch.no_grad():
            for number, conv in model.features.items():
                conv.load_state_dict({part: weights[f"features.{number}.{part}"] for part in ("weight", "bias")})
            for index, head in enumerate(model.heads):
                head.copy_(weights[f"lin{index}.model.1.weight"])
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

    def _stages(self, srgb_01: Tensor) -> list[Tensor]:
        x = (srgb_01 * 2 - 1 - self.shift) / self.scale
        stages = []
        for index, conv in enumerate(self.features.values()):
            if index in POOLED_BEFORE:
                x = F.max_pool2d(x, 3, 2)
            x = F.relu(conv(x))
            stages.append(x / (x.pow(2).sum(1, keepdim=True) + 1e-10).sqrt())
        return stages
