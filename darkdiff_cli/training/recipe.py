"""Recipes: everything that decides a training run, and nothing of the machine it runs on."""

import math
from dataclasses import dataclass, field
from typing import Literal

from darkdiff_cli.datasets import SynthesisSettings
from darkdiff_cli.raw import DataFormat, LrgbSpace
from darkdiff_models.surgery import Conditioning


@dataclass(frozen=True)
class AutoencoderShape:
    """Widths of stage 0's autoencoder (see ResidualAutoencoderKL)."""

    block_out_channels: tuple[int, ...] = (128, 256, 512, 512)
    latent_channels: int = 4
    layers_per_block: int = 2
    norm_num_groups: int = 32
    mid_block_add_attention: bool = True


@dataclass(frozen=True)
class DenoiserShape:
    """Widths of stage 0's U-Net (see DarkDiffUNet)."""

    block_out_channels: tuple[int, ...] = (320, 640, 1280, 1280)
    attention_levels: tuple[bool, ...] = (True, True, True, False)
    num_heads: tuple[int, ...] = (5, 10, 20, 20)
    layers_per_block: int = 2
    cross_attention_dim: int = 1024
    prompt_tokens: int = 77
    norm_num_groups: int = 32
    prediction_type: Literal["epsilon", "v_prediction"] = "epsilon"


@dataclass(frozen=True)
class Optimisation:
    """How one network, or one group of them, is trained.

    Attributes:
        batch_size: images a step, over all processes and accumulated parts together.
        crop: side of an image in LRGB pixels, padded to what the networks need.
        learning_rate: peak, reached after `warmup` steps, then a cosine down to `final_learning_rate`.
        final_learning_rate: the same as the peak keeps the rate constant.
        steps, epochs: one of them; an epoch is as many images as the training set has pairs.
        betas: of Adam.
        ema_decay: of the averaged weights that are scored and kept.
        clip_grad_norm: largest norm of the gradient.
        accumulation: parts of a batch that pass the networks one after the other, for a smaller memory.
        gradient_checkpointing: compute activations again in the backward pass, for a smaller memory.
    """

    batch_size: int
    crop: int
    learning_rate: float
    final_learning_rate: float
    steps: int = 0
    epochs: int = 0
    warmup: int = 100
    betas: tuple[float, float] = (0.9, 0.99)
    ema_decay: float = 0.999
    clip_grad_norm: float = 1.0
    accumulation: int = 1
    gradient_checkpointing: bool = False

    def rate(self, step: int) -> float:
        """The learning rate of a step: a linear warm-up, then a cosine from the peak down to the final rate."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        progress = (step - self.warmup) / max(1, self.steps - self.warmup)
        share = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
        return self.final_learning_rate + (self.learning_rate - self.final_learning_rate) * share


@dataclass(frozen=True)
class PictureLoss:
    """Loss on the finished picture: L1 + perceptual_weight * LPIPS."""

    perceptual_weight: float = 0.15


@dataclass(frozen=True)
class Adversary:
    """A patch discriminator against the picture, as latent-diffusion's LPIPSWithDiscriminator has it.

    Attributes:
        start: first step at which it plays.
        weight: of its part in the loss, on top of the adaptive weight.
    """

    start: int
    weight: float = 0.5


@dataclass(frozen=True)
class Stage0:
    """The small model's own Stable Diffusion: an autoencoder, then a U-Net without condition, on clean pictures.

    Attributes:
        autoencoder, denoiser: how each is trained.
        loss: on the autoencoder's picture.
        kl_weight: of the KL term beside L1, both summed over the image as in latent-diffusion.
        autoencoder_shape, denoiser_shape: widths.
    """

    autoencoder: Optimisation
    denoiser: Optimisation
    loss: PictureLoss = field(default_factory=PictureLoss)
    kl_weight: float = 1e-6
    autoencoder_shape: AutoencoderShape = field(default_factory=AutoencoderShape)
    denoiser_shape: DenoiserShape = field(default_factory=DenoiserShape)


@dataclass(frozen=True)
class Stage1:
    """The residual autoencoder on noisy pictures (Sec. 4.3).

    Attributes:
        kl_weight: of the KL term beside L1, both summed over the image as in latent-diffusion.
        residual: False leaves the taps out (Table 4).
        colour_anchor: take the level of blocks from the sensor (see `darkdiff_models.light`).
        clean_latents: share of images whose latents come from the clean picture beside noisy taps, which is what the
            decoder meets after stage 2, and what keeps the latents alive.
        drop_taps: share of images decoded without their residual features.
        taps_learning_rate: factor on the learning rate of the residual convolutions.
        adversary: the patch discriminator; left out, there is none.
    """

    optimisation: Optimisation
    loss: PictureLoss = field(default_factory=PictureLoss)
    kl_weight: float = 1e-6
    residual: bool = True
    colour_anchor: bool = False
    clean_latents: float = 0.0
    drop_taps: float = 0.0
    taps_learning_rate: float = 1.0
    adversary: Adversary | None = None


@dataclass(frozen=True)
class Stage2:
    """The denoiser and its context processor (Sec. 4.4, Eq. 1, 8, 9); the autoencoder is frozen, as in the paper.

    A small model that samples in few steps may depart from the paper in two ways: its autoencoder goes on learning, and
    it learns on the latents that the sampler arrives at instead of on Eq. 8's guesses from noised clean ones.

    Attributes:
        conditioning: how the denoiser sees the noisy image: the paper's region attention, or an alternative of its
            Table 6.
        region_size: side of an attention region in tokens.
        new_learning_rate: factor on the learning rate of what the base did not have.
        null_share: share of images whose condition is pure noise, for guidance.
        image_loss_weight: lambda of Eq. 9; the loss of an image is weighted by alpha_bar of its timestep.
        image_loss_share: share of a batch that is decoded for it.
        image_loss_steps: decode what so many sampling steps arrive at, not weighted, the gradient passing through the
            last; 0 decodes the guess of Eq. 8.
        autoencoder_learning_rate: factor on the learning rate of the autoencoder, whose KL term then keeps the weight
            that it has in stage 1; 0 freezes it.
        default_steps, default_guidance: what the checkpoint carries for `enhance`.
        tile, tile_overlap: the denoiser's tiles at inference, in latents.
        autoencoder_tile, autoencoder_tile_overlap: the autoencoder's tiles at inference, in pixels.
        expected_error: of the finished pictures, what the sensor's noise is weighed against at inference (see
            `darkdiff_models.fusion`); 0 shows the model's pictures as they are.
    """

    optimisation: Optimisation
    loss: PictureLoss = field(default_factory=PictureLoss)
    conditioning: Conditioning = "region"
    region_size: int = 8
    new_learning_rate: float = 5.0
    null_share: float = 0.05
    image_loss_weight: float = 1.0
    image_loss_share: float = 0.5
    image_loss_steps: int = 0
    autoencoder_learning_rate: float = 0.0
    default_steps: int = 50
    default_guidance: float = 2.0
    tile: int = 64
    tile_overlap: int = 16
    autoencoder_tile: int = 1024
    autoencoder_tile_overlap: int = 128
    expected_error: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """A whole training.

    Attributes:
        name: of the recipe.
        stage1, stage2: the paper's two stages.
        stage0: left out where stages 1 and 2 retask a published Stable Diffusion.
        regression: the baseline `sid-unet` (Chen et al., CVPR 2018), trained on the same pairs.
        base: Stable Diffusion checkpoint to retask; empty for the run's own stage 0.
        data: how photographs and clean raws become dark ones.
        data_format: what the networks take in and give out (Table 5).
        lrgb_space: primaries of LRGB.
        seed: of all randomness.
        log_every, check_every: steps between lines of the log, and between health checks with a checkpoint.
        keep_checkpoints: how many stay.
    """

    name: str
    stage1: Stage1
    stage2: Stage2
    stage0: Stage0 | None = None
    regression: Optimisation | None = None
    base: str = ""
    data: SynthesisSettings = field(default_factory=SynthesisSettings)
    data_format: DataFormat = "lrgb-srgb"
    lrgb_space: LrgbSpace = "srgb"
    seed: int = 0
    log_every: int = 50
    check_every: int = 500
    keep_checkpoints: int = 2

    @property
    def plans(self) -> dict[str, Optimisation]:
        """Every training of the recipe by name."""
        plans = {"stage1": self.stage1.optimisation, "stage2": self.stage2.optimisation}
        if self.stage0 is not None:
            plans |= {"stage0 autoencoder": self.stage0.autoencoder, "stage0 denoiser": self.stage0.denoiser}
        if self.regression is not None:
            plans["regression"] = self.regression
        return plans

    def fault(self) -> str | None:
        """What does not go together, or None."""
        if self.lrgb_space != "srgb" or self.data_format != "lrgb-srgb":
            for name, used in (
                ("colour_anchor", self.stage1.colour_anchor),
                ("expected_error", self.stage2.expected_error > 0),
            ):
                if used:
                    return f"{name} compares linear sRGB; set lrgb_space: srgb and data_format: lrgb-srgb"
        if self.stage0 is None and not self.base:
            return "needs a stage0, or the base that it retasks"
        every_image_tells = self.stage2.image_loss_share == 1 and self.stage2.image_loss_weight > 0
        # A process without a picture to learn from would wait for ever.
        if self.stage2.autoencoder_learning_rate > 0 and not every_image_tells:
            return "autoencoder_learning_rate needs image_loss_share: 1 and an image_loss_weight above 0"
        for name, plan in self.plans.items():
            if (plan.steps > 0) == (plan.epochs > 0):
                return f"{name} needs either steps or epochs"
            if plan.batch_size % plan.accumulation:
                return f"{name}: batch_size {plan.batch_size} cannot be cut into {plan.accumulation} equal parts"
        return None
