"""Recipes: everything that decides a training run, and nothing of the machine it runs on."""

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

from darkdiff_cli.datasets import SynthesisSettings
from darkdiff_cli.ranges import SHARE, Range
from darkdiff_cli.raw import DataFormat, ExposureSettings, HotPixels, LineNoise, LrgbSpace
from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.recipe.shapes import AutoencoderShape, DenoiserShape, DetailShape
from darkdiff_cli.training.recipe.stage_settings import PictureLoss, Stage0, Stage1, Stage2, Stage3
from darkdiff_cli.training.stages.losses import LEAST_JUDGED
from darkdiff_models.config_values import SMALLEST_TILE
from darkdiff_models.detail.network import ANCHOR
from darkdiff_models.finishing import Finishing

OF_ONE_STAGE = ("stage0", "stage1", "stage2", "stage3", "regression")
WITHOUT_EFFECT = ("name", "log_every", "check_every", "keep_checkpoints")  # on the result


@dataclass(frozen=True)
class Recipe:
    """A whole training.

    Attributes:
        name: of the recipe.
        stage1, stage2: the paper's two stages.
        stage0: left out where stages 1 and 2 retask a published Stable Diffusion.
        stage3: full size; left out, pictures have half the sensor's, as the paper's.
        regression: the baseline `sid-unet` (Chen et al., CVPR 2018), trained on the same pairs.
        base: Stable Diffusion checkpoint to retask; empty for the run's own stage 0.
        finishing: our steps after the networks; the paper has none.
        perceptual_network: of LPIPS as a loss; latent-diffusion's is VGG. Scores are AlexNet's in any case.
        line_noise: of raws (`sid:`, `lrd:`, `raws:`): "auto" takes it off as `enhance` does; the paper leaves it in.
        hot_pixels: of raws: "auto" replaces them as `enhance` does; the paper leaves them in.
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
    stage3: Stage3 | None = None
    regression: Optimisation | None = None
    base: str = ""
    finishing: Annotated[Finishing, SHARE] = field(default_factory=Finishing)
    line_noise: LineNoise = "off"
    hot_pixels: HotPixels = "off"
    perceptual_network: Literal["alex", "vgg"] = "alex"
    data: SynthesisSettings = field(default_factory=SynthesisSettings)
    data_format: DataFormat = "lrgb-srgb"
    lrgb_space: LrgbSpace = "srgb"
    seed: Annotated[int, Range(0, 2**32 - 1)] = 0
    log_every: Annotated[int, Range(1, 10**8)] = 50
    check_every: Annotated[int, Range(1, 10**8)] = 500
    keep_checkpoints: Annotated[int, Range(1, 10**6)] = 2

    @property
    def corrections(self) -> ExposureSettings:
        """The corrections of the raws that are trained on."""
        return ExposureSettings(line_noise=self.line_noise, hot_pixels=self.hot_pixels, crop="sensor")

    @property
    def plans(self) -> dict[str, Optimisation]:
        """Every training of the recipe by name."""
        plans = {"stage1": self.stage1.optimisation, "stage2": self.stage2.optimisation}
        if self.stage0 is not None:
            plans |= {"stage0 autoencoder": self.stage0.autoencoder, "stage0 denoiser": self.stage0.denoiser}
        if self.stage3 is not None:
            plans["stage3"] = self.stage3.optimisation
        if self.regression is not None:
            plans["regression"] = self.regression
        return plans

    @property
    def losses(self) -> dict[str, PictureLoss]:
        """The losses on pictures, by the training that has one."""
        losses: dict[str, PictureLoss] = {"stage1": self.stage1.loss, "stage2": self.stage2.image_loss}
        if self.stage0 is not None:
            losses["stage0 autoencoder"] = self.stage0.loss
        if self.stage3 is not None:
            losses["stage3"] = self.stage3.loss
        return losses

    @property
    def shapes(self) -> dict[str, AutoencoderShape | DenoiserShape | DetailShape]:
        """The shapes of the networks that the recipe makes, by key."""
        shapes: dict[str, AutoencoderShape | DenoiserShape | DetailShape] = {}
        if self.stage0 is not None:
            shapes["stage0.autoencoder_shape"] = self.stage0.autoencoder_shape
            shapes["stage0.denoiser_shape"] = self.stage0.denoiser_shape
        if self.stage3 is not None:
            shapes["stage3.shape"] = self.stage3.shape
        return shapes

    def weighs_lpips(self, stage: str) -> bool:
        """Whether a training of a stage, such as "1", needs LPIPS."""
        return any(loss.lpips > 0 for name, loss in self.losses.items() if name.startswith(f"stage{stage}"))

    def decisive(self, stage: str) -> dict[str, Any]:
        """What decides the result of a stage such as "1", by key: all but the other stages' own settings."""
        own = "regression" if stage == "sid-unet" else f"stage{stage}"
        other = {*OF_ONE_STAGE, *WITHOUT_EFFECT} - {own}
        return {key: value for key, value in asdict(self).items() if key not in other}

    def channels(self, stage: str) -> tuple[int, int]:
        """Channels of the input and of the reference of a stage's pairs."""
        form = {"0": "lrgb-srgb", "sid-unet": "raw-srgb"}.get(stage, self.data_format)
        return {"lrgb-srgb": (3, 3), "raw-srgb": (4, 3), "raw-raw": (4, 4)}[form]

    def fault(self) -> str | None:
        """What does not go together, or None."""
        if self.lrgb_space != "srgb" or self.data_format != "lrgb-srgb":
            for name, used in asdict(self.finishing).items():
                if used:
                    return f"{name} compares linear sRGB; set lrgb_space: srgb and data_format: lrgb-srgb"
        if self.stage0 is None and not self.base:
            return "needs a stage0, or the base that it retasks"
        if self.stage2.controlnet_base == "locked" and self.stage2.conditioning != "controlnet":
            return "stage2.controlnet_base: locked needs stage2.conditioning: controlnet"
        regions = self.stage2.conditioning == "region" and self.stage2.region_size > 0
        if self.stage2.region_position_bias and not regions:
            return "stage2.region_position_bias needs conditioning: region and a region_size above 0"
        if self.stage3 is not None and self.data_format == "raw-raw":
            return "stage3 adds detail to sRGB pictures; set data_format: lrgb-srgb or raw-srgb"
        image_loss = self.stage2.image_loss
        every_image_tells = image_loss.share == 1 and image_loss.weight > 0
        # A process without a decoded image would have no gradient for the autoencoder, and block the others.
        if self.stage2.autoencoder_learning_rate > 0 and not every_image_tells:
            return "autoencoder_learning_rate needs image_loss with share: 1 and a weight above 0"
        if self.stage2.clean_latents > 0 and 0 in (self.stage2.autoencoder_learning_rate, image_loss.steps):
            return "stage2.clean_latents needs autoencoder_learning_rate and image_loss.steps above 0"
        if fault := self._tiles_fault():
            return fault
        for key, shape in self.shapes.items():
            if fault := shape.fault():
                return f"{key}: {fault}"
        for name, plan in self.plans.items():
            if (plan.steps > 0) == (plan.epochs > 0):
                return f"{name} needs either steps or epochs"
            if plan.batch_size % plan.accumulation:
                return f"{name}: batch_size {plan.batch_size} cannot be cut into {plan.accumulation} equal parts"
        if self.stage3 is not None:
            for side in (self.stage3.optimisation.crop, self.stage3.kept_crop):
                if side % ANCHOR:
                    return f"stage3: a crop of {side} pixels is no multiple of {ANCHOR}"
        for name, loss in self.losses.items():
            if not loss.counts:
                return f"{name}: its loss on pictures weighs nothing; set l1, l2, lpips or blocks above 0"
            if loss.lpips > 0 and (crop := self.plans[name].crop) < LEAST_JUDGED:
                return f"{name}: a crop of {crop} pixels is too small for LPIPS; take {LEAST_JUDGED} or more"
        return None

    def _tiles_fault(self) -> str | None:
        """What does not fit the networks, so that the trained model would be refused; or None."""
        two = self.stage2
        if two.autoencoder_tile_overlap > two.autoencoder_tile // 2:
            return "stage2.autoencoder_tile_overlap must be at most half of autoencoder_tile"
        if self.stage0 is None:  # of the base's networks nothing is known yet
            return None
        smallest = 2 ** (len(self.stage0.denoiser_shape.block_out_channels) - 1)
        pixels = 2 ** (len(self.stage0.autoencoder_shape.block_out_channels) - 1)
        if two.tile % smallest:
            return f"stage2.tile must be 0 or a multiple of {smallest}"
        if two.autoencoder_tile % pixels or two.autoencoder_tile < SMALLEST_TILE * pixels:
            return f"stage2.autoencoder_tile must be a multiple of {pixels} from {SMALLEST_TILE * pixels} on"
        return None
