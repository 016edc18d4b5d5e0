"""The patch discriminator of stage 1 (pix2pix's, as in latent-diffusion)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

KERNEL = 4


class PatchDiscriminator(nn.Module):
    """Classifies patches as real or generated (Isola et al., CVPR 2017: C64-C128-C256-C512, 70-pixel patches).

    Args:
        in_channels: channels of the picture.
        width: channels of the first layer, doubled by each of the next up to eight times.
        layers: layers of stride 2.
    """

    def __init__(self, in_channels: int = 3, width: int = 64, layers: int = 3) -> None:
        super().__init__()
        parts: list[nn.Module] = [nn.Conv2d(in_channels, width, KERNEL, 2, 1), nn.LeakyReLU(0.2)]
        into = width
        for level in range(1, layers + 1):
            out = width * min(2**level, 8)
            stride = 2 if level < layers else 1
            parts += [nn.Conv2d(into, out, KERNEL, stride, 1, bias=False), nn.BatchNorm2d(out), nn.LeakyReLU(0.2)]
            into = out
        self.layers = nn.Sequential(*parts, nn.Conv2d(into, 1, KERNEL, 1, 1))
        for module in self.modules():  # pix2pix's initialisation
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0.0, 0.02)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, 1.0, 0.02)

    def forward(self, picture: Tensor) -> Tensor:
        """(batch, channels, h, w) in [0, 1] -> (batch, 1, h', w') logits, positive for real."""
        return torch.as_tensor(self.layers(picture * 2 - 1))


def hinge_loss(real: Tensor, made: Tensor) -> Tensor:
    """The discriminator's hinge loss on logits of real and generated (`made`) patches."""
    return 0.5 * (F.relu(1 - real).mean() + F.relu(1 + made).mean())


def adaptive_weight(picture_loss: Tensor, adversarial_loss: Tensor, last_layer: Tensor) -> Tensor:
    """Weight of the adversarial loss for equal gradients at the decoder's last layer (Esser et al., CVPR 2021, Eq. 7).

    Args:
        picture_loss, adversarial_loss: scalar losses with an autograd graph.
        last_layer: weight of the decoder's last layer.
    """
    norms = [
        torch.autograd.grad(loss, last_layer, retain_graph=True)[0].norm() for loss in (picture_loss, adversarial_loss)
    ]
    return (norms[0] / (norms[1] + 1e-4)).clamp(0, 1e4).detach()
