"""The residual autoencoder: SD's VAE with encoder features added in the decoder (Sec. 4.3, Table A1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.autoencoders.vae import Decoder, DiagonalGaussianDistribution, Encoder
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from darkdiff_models.networks.blocks import Checkpointed
from darkdiff_models.networks.precision import matched
from darkdiff_models.networks.upsampling import UpsampleConv


@dataclass(frozen=True)
class Encoding:
    """The encoder's output for a batch of images.

    Attributes:
        posterior: the unscaled Gaussian, for sampling and the KL term in training.
        latents: (batch, latent_channels, h/f, w/f) scaled mean of the posterior, what diffusion works on.
        features: encoder features before each downsampler, finest first, the residual taps' input.
    """

    posterior: DiagonalGaussianDistribution
    latents: Tensor
    features: tuple[Tensor, ...]

    @property
    def feature_bytes(self) -> int:
        """Memory taken by the features, in bytes."""
        return sum(feature.nbytes for feature in self.features)

    def select(self, images: Tensor) -> "Encoding":
        """The encoding of some images of the batch, chosen by a (batch,) bool mask."""
        posterior = DiagonalGaussianDistribution(self.posterior.parameters[images])
        return Encoding(posterior, self.latents[images], tuple(f[images] for f in self.features))


class ResidualAutoencoderKL(ModelMixin, ConfigMixin, Checkpointed):
    """An AutoencoderKL from LRGB to sRGB with residual connections from encoder to decoder (Sec. 4.3).

    Encoder features before each downsampler pass a 3x3 convolution (Table A1) and are added to the input of the
    decoder block of the same resolution. The convolutions start at zero, so before training the model equals the
    pre-trained autoencoder. Parameter names are diffusers'. Images are LRGB and sRGB with 1 = white, and latents are
    scaled; the checkpoint's own ranges are used inside only.

    Args:
        in_channels, out_channels: 3 for LRGB and sRGB, 4 for Bayer planes (Table 5).
        latent_channels: channels of the latents.
        block_out_channels: width of each level; each level but the last halves the size.
        layers_per_block: resnets per level in the encoder (one more in the decoder).
        norm_num_groups: groups of the group norms.
        mid_block_add_attention: self-attention in the middle block, as in SD (costly on large images).
        scaling_factor: factor that brings latents to unit variance, 0.18215 for SD.
        residual: False leaves the residual taps out (Table 4).
    """

    _keep_in_fp32_modules = ("conv_out", "quant_conv", "post_quant_conv")

    @register_to_config
    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        latent_channels: int = 4,
        block_out_channels: Sequence[int] = (128, 256, 512, 512),
        layers_per_block: int = 2,
        norm_num_groups: int = 32,
        mid_block_add_attention: bool = True,
        scaling_factor: float = 0.18215,  # noqa: ARG002
        residual: bool = True,
    ) -> None:
        super().__init__()
        channels = tuple(block_out_channels)
        levels = len(channels)
        self.encoder = Encoder(
            in_channels=in_channels, out_channels=latent_channels, block_out_channels=channels,
            down_block_types=("DownEncoderBlock2D",) * levels, layers_per_block=layers_per_block,
            norm_num_groups=norm_num_groups, double_z=True, mid_block_add_attention=mid_block_add_attention,
        )  # fmt: skip
        self.decoder = Decoder(
            in_channels=latent_channels, out_channels=out_channels, block_out_channels=channels,
            up_block_types=("UpDecoderBlock2D",) * levels, layers_per_block=layers_per_block,
            norm_num_groups=norm_num_groups, mid_block_add_attention=mid_block_add_attention,
        )  # fmt: skip
        for block in self.decoder.up_blocks:
            if block.upsamplers is not None:
                block.upsamplers = nn.ModuleList([UpsampleConv(part.conv) for part in block.upsamplers])
        self.quant_conv = nn.Conv2d(2 * latent_channels, 2 * latent_channels, 1)
        self.post_quant_conv = nn.Conv2d(latent_channels, latent_channels, 1)
        self.residual_convs = nn.ModuleList()
        if residual:
            for level in range(levels):  # the decoder block at `level` reads the output of the level below
                self.residual_convs.append(
                    nn.Conv2d(channels[level], channels[min(level + 1, levels - 1)], 3, padding=1)
                )
            for parameter in self.residual_convs.parameters():
                nn.init.zeros_(parameter)

    @classmethod
    def extract_init_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> Any:
        """As in diffusers, but ignores `colour_anchor`, which earlier versions kept in this config."""
        kept = {key: value for key, value in config_dict.items() if key != "colour_anchor"}
        return super().extract_init_dict(kept, **kwargs)

    @property
    def factor(self) -> int:
        """Side of a latent in pixels (8 for SD)."""
        return int(2 ** (len(self.config["block_out_channels"]) - 1))

    def encode(self, lrgb: Tensor) -> Encoding:
        """Encode an image.

        Args:
            lrgb: (batch, in_channels, h, w) LRGB or Bayer planes, 0 = black, 1 = saturation, may be negative;
                h and w multiples of `factor`.
        """
        hidden = self.encoder.conv_in(matched(lrgb * 2 - 1, self.encoder.conv_in))
        features = []
        for block in self.encoder.down_blocks:
            for resnet in block.resnets:
                hidden = self.run(resnet, hidden, None)
            features.append(hidden)
            for downsampler in block.downsamplers or []:
                hidden = downsampler(hidden)
        hidden = self.encoder.mid_block(hidden)
        hidden = self.encoder.conv_act(self.encoder.conv_norm_out(hidden))
        hidden = self.encoder.conv_out(matched(hidden, self.encoder.conv_out))
        posterior = DiagonalGaussianDistribution(self.quant_conv(hidden))
        return Encoding(posterior, posterior.mean * self.config["scaling_factor"], tuple(features))

    def decode(self, latents: Tensor, noisy: Encoding | None = None) -> Tensor:
        """Decode latents.

        Args:
            latents: (batch, latent_channels, h, w) scaled latents.
            noisy: encoding of the noisy image, whose features feed the residual taps; None leaves the taps out.

        Returns:
            (batch, out_channels, h * factor, w * factor) sRGB, or Bayer planes under the sRGB curve, 0 = black,
            1 = white, not clipped.
        """
        hidden = self.post_quant_conv(matched(latents / self.config["scaling_factor"], self.post_quant_conv))
        hidden = self.decoder.conv_in(matched(hidden, self.decoder.conv_in))
        hidden = self.decoder.mid_block(hidden)
        taps = list(zip(self.residual_convs, noisy.features, strict=True)) if noisy and self.residual_convs else []
        for block in self.decoder.up_blocks:
            if taps:
                conv, feature = taps.pop()
                hidden = hidden + conv(feature)
            hidden = self.run(block, hidden)
        hidden = self.decoder.conv_act(self.decoder.conv_norm_out(hidden))
        hidden = self.decoder.conv_out(matched(hidden, self.decoder.conv_out))
        return torch.as_tensor((hidden + 1) / 2)
