"""What a recipe says of each stage: its training, its losses and their weights."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from darkdiff_cli.datasets import SynthesisSettings
from darkdiff_cli.ranges import SHARE, WEIGHT, Range
from darkdiff_cli.training.recipe.optimisation import CROP, STEPS, Optimisation
from darkdiff_cli.training.recipe.shapes import AutoencoderShape, DenoiserShape, DetailShape
from darkdiff_models.config_values import LARGEST_REGION
from darkdiff_models.networks.surgery import Conditioning

TILE = Range(0, 65536)


@dataclass(frozen=True)
class PictureLoss:
    """Loss on a picture: a weighted sum of distances, each the mean over the values of an image.

    Attributes:
        l1: weight of the absolute difference.
        l2: weight of the squared difference.
        lpips: weight of LPIPS.
        blocks: weight of the absolute difference of the means of blocks of 16 pixels: broad patches of colour, of which
            the plain L1 sees little beside fine detail. The paper has no such term.
    """

    l1: Annotated[float, WEIGHT] = 1.0
    l2: Annotated[float, WEIGHT] = 0.0
    lpips: Annotated[float, WEIGHT] = 0.15
    blocks: Annotated[float, WEIGHT] = 0.0

    @property
    def counts(self) -> bool:
        """Whether a term has a weight."""
        return max(self.l1, self.l2, self.lpips, self.blocks) > 0


@dataclass(frozen=True)
class ImageLoss(PictureLoss):
    """Eq. 9, the loss on decoded images; as written, the squared L2 distance of all images.

    Attributes:
        weight: lambda of Eq. 1; 0 switches the loss off.
        time_weight: "alpha_bar" weighs an image by alpha_bar of its timestep: late guesses say little of the picture.
        share: of a batch that is decoded, spread evenly.
        steps: decode what so many sampling steps arrive at, the gradient passing through the last; 0 decodes the guess
            of Eq. 8, as the paper does.
    """

    l1: Annotated[float, WEIGHT] = 0.0
    l2: Annotated[float, WEIGHT] = 1.0
    lpips: Annotated[float, WEIGHT] = 0.0
    weight: Annotated[float, WEIGHT] = 0.1
    time_weight: Literal["none", "alpha_bar"] = "none"
    share: Annotated[float, SHARE] = 1.0
    steps: Annotated[int, Range(0, 1000)] = 0


@dataclass(frozen=True)
class Adversary:
    """A patch discriminator against the picture, as latent-diffusion's LPIPSWithDiscriminator has it.

    Attributes:
        start: first step at which it plays.
        weight: of its part in the loss, on top of the adaptive weight.
    """

    start: Annotated[int, STEPS]
    weight: Annotated[float, WEIGHT] = 0.5


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
    kl_weight: Annotated[float, WEIGHT] = 1e-6
    autoencoder_shape: AutoencoderShape = field(default_factory=AutoencoderShape)
    denoiser_shape: DenoiserShape = field(default_factory=DenoiserShape)


@dataclass(frozen=True)
class Stage1:
    """The residual autoencoder on noisy pictures (Sec. 4.3).

    Attributes:
        kl_weight: of the KL term beside L1, both summed over the image as in latent-diffusion.
        residual: False leaves the taps out (Table 4).
        clean_latents: share of images whose latents come from the clean picture beside noisy taps, which is what the
            decoder meets after stage 2, and what keeps the latents alive.
        drop_taps: share of images decoded without their residual features.
        taps_learning_rate: factor on the learning rate of the residual convolutions.
        hold: weight of the mean squared distance of the clean images' latents (scaled, the posterior's mean) from those
            of the autoencoder that training began with, so that the pre-trained denoiser still knows them in stage 2.
            The paper has no such term.
        adversary: the patch discriminator; left out, there is none.
    """

    optimisation: Optimisation
    loss: PictureLoss = field(default_factory=PictureLoss)
    kl_weight: Annotated[float, WEIGHT] = 1e-6
    residual: bool = True
    clean_latents: Annotated[float, SHARE] = 0.0
    drop_taps: Annotated[float, SHARE] = 0.0
    taps_learning_rate: Annotated[float, WEIGHT] = 1.0
    hold: Annotated[float, WEIGHT] = 0.0
    adversary: Adversary | None = None


@dataclass(frozen=True)
class Stage2:
    """The denoiser and its context processor (Sec. 4.4, Eq. 1, 8, 9); the autoencoder is frozen, as in the paper.

    A small model that samples in few steps may depart from the paper in two ways: its autoencoder goes on learning, and
    it learns on the latents that the sampler arrives at instead of on Eq. 8's guesses from noised clean ones.

    Attributes:
        conditioning: how the denoiser sees the noisy image: the paper's region attention, or an alternative of its
            Table 6.
        controlnet_base: of `conditioning: controlnet`, whether the denoiser beside the copy of its encoder trains too,
            or is locked, as Zhang et al. and DiffBIR have it; the paper does not say.
        region_size: side of an attention region in tokens.
        region_position_bias: whether region attention learns where in a region a key lies as seen from a query; the
            paper's does not.
        new_learning_rate: factor on the learning rate of what the base did not have.
        null_share: share of images whose condition is pure noise, for guidance.
        image_loss: Eq. 9.
        denoiser_first: steps at the start in which the denoiser learns by Eq. 1 alone and nothing else changes. An
            autoencoder that learns beside a denoiser that knows nothing yet learns to do without its latents.
        clean_latents: share of the images that are decoded with the clean picture's latents, not what sampling arrives
            at, where the autoencoder learns: as in stage 1, so that it does not learn to do without them.
        autoencoder_learning_rate: factor on the learning rate of the autoencoder, whose KL term then keeps the weight
            that it has in stage 1; 0 freezes it.
        default_steps, default_guidance, default_views: what the checkpoint carries for `enhance`.
        tile, tile_overlap: smallest side and overlap of the denoiser's tiles at inference, in latents; a tile of 0 is
            the whole image where it fits into memory.
        autoencoder_tile, autoencoder_tile_overlap: largest side and overlap of the autoencoder's tiles at inference, in
            pixels.
    """

    optimisation: Optimisation
    image_loss: ImageLoss = field(default_factory=ImageLoss)
    conditioning: Conditioning = "region"
    controlnet_base: Literal["trained", "locked"] = "trained"
    region_size: Annotated[int, Range(0, LARGEST_REGION)] = 8
    region_position_bias: bool = False
    new_learning_rate: Annotated[float, WEIGHT] = 5.0
    null_share: Annotated[float, SHARE] = 0.05
    denoiser_first: Annotated[int, STEPS] = 0
    clean_latents: Annotated[float, SHARE] = 0.0
    autoencoder_learning_rate: Annotated[float, WEIGHT] = 0.0
    default_steps: Annotated[int, Range(1, 1000)] = 50
    default_guidance: Annotated[float, Range(0, 1000)] = 2.0
    default_views: Annotated[int, Range(1, 8)] = 1
    tile: Annotated[int, TILE] = 64
    tile_overlap: Annotated[int, TILE] = 16
    autoencoder_tile: Annotated[int, Range(16, 65536)] = 1024
    autoencoder_tile_overlap: Annotated[int, TILE] = 128


@dataclass(frozen=True)
class Stage3:
    """The sensor's size from the mosaic (not in the paper): the stages before it are frozen.

    Attributes:
        loss: on the full-size picture, and on the same, halved.
        half_weight: of the loss at half size.
        shape: of the network.
        data: how photographs become dark mosaics here: brighter ones than for the other stages as well.
        kept_pairs: so many different pairs are made before training, half-size pictures and all, and come again and
            again; 0 makes new ones for every step.
        kept_crop: side of the kept pairs in LRGB pixels; each step trains on other parts of them.
    """

    optimisation: Optimisation
    loss: PictureLoss = field(default_factory=PictureLoss)
    half_weight: Annotated[float, WEIGHT] = 1.0
    shape: DetailShape = field(default_factory=DetailShape)
    data: SynthesisSettings = field(default_factory=SynthesisSettings)
    kept_pairs: Annotated[int, Range(0, 10**6)] = 0
    kept_crop: Annotated[int, CROP] = 128
