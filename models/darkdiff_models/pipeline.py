"""DarkDiff as a diffusers pipeline: LRGB in, sRGB out (Sec. 4)."""

from dataclasses import replace
from functools import partial

import torch
from diffusers import DDIMScheduler, DiffusionPipeline
from torch import Tensor

from darkdiff_models.compilation import compile_denoiser
from darkdiff_models.detail import Detail, Samples
from darkdiff_models.detail.tiled import sensors_size, views_that_pay
from darkdiff_models.devices import autocast_dtype
from darkdiff_models.finishing import Finishing, finish
from darkdiff_models.finishing.self_ensemble import mean_of_views, turned
from darkdiff_models.networks.autoencoder import ResidualAutoencoderKL
from darkdiff_models.networks.conditioning import LatentContext
from darkdiff_models.networks.context import ContextProcessor
from darkdiff_models.networks.precision import cast_weights
from darkdiff_models.networks.sampling import make_scheduler, sample
from darkdiff_models.networks.unet import DarkDiffUNet
from darkdiff_models.pipeline_output import DarkDiffOutput, StageProgress, StepCounter, ViewProgress
from darkdiff_models.sampling_settings import Sampling, SamplingSettings, Size
from darkdiff_models.tiling.framing import framed, unframed
from darkdiff_models.tiling.planner import TRAINED, Plan, plan_autoencoder, plan_denoiser
from darkdiff_models.tiling.tiled import TiledAutoencoder, TiledDenoiser

NULL_SEED = 20_252_374  # of the null condition's noise; fixed, so that only the user's seed changes a picture


class DarkDiffPipeline(DiffusionPipeline):
    """Enhance an LRGB image with a retasked latent diffusion model.

    Args:
        vae: residual autoencoder (Sec. 4.3).
        unet: denoiser with region cross-attention (Sec. 4.2).
        context: context processor (Sec. 4.2), or `LatentContext` for the alternatives of Table 6.
        scheduler: noise schedule and prediction type of the base.
        detail: our network for the sensor's size; None gives pictures of half size alone.
        lrgb_space: LRGB primaries that the model was trained on, "camera" or "srgb".
        data_format: input and output of the model, "lrgb-srgb", "raw-srgb" or "raw-raw" (Table 5).
        default_steps, default_guidance, default_sampler, default_views: used where the caller gives None.
        tile, tile_overlap: smallest side and overlap of the denoiser's tiles, in latents: what it was trained on; a
            tile of 0 is the whole image where it fits into memory.
        vae_tile, vae_tile_overlap: largest side and overlap of the autoencoder's tiles, in pixels; smaller images are
            not tiled.
        colour_anchor, expected_error: finishing steps, see `Finishing`; off in the paper's recipes.
    """

    _optional_components = ("detail",)

    def __init__(
        self,
        vae: ResidualAutoencoderKL,
        unet: DarkDiffUNet,
        context: ContextProcessor | LatentContext,
        scheduler: DDIMScheduler,
        detail: Detail | None = None,
        lrgb_space: str = "camera",
        data_format: str = "lrgb-srgb",
        default_steps: int = 50,
        default_guidance: float = 2.0,
        default_sampler: str = "ddim",
        default_views: int = 1,
        tile: int = 64,
        tile_overlap: int = 16,
        vae_tile: int = 1024,
        vae_tile_overlap: int = 128,
        colour_anchor: bool = False,
        expected_error: float = 0.0,
    ) -> None:
        super().__init__()
        self.compiled = False
        self.register_modules(vae=vae, unet=unet, context=context, scheduler=scheduler, detail=detail)
        self.register_to_config(
            lrgb_space=lrgb_space,
            data_format=data_format,
            default_steps=default_steps,
            default_guidance=default_guidance,
            default_sampler=default_sampler,
            default_views=default_views,
            tile=tile,
            tile_overlap=tile_overlap,
            vae_tile=vae_tile,
            vae_tile_overlap=vae_tile_overlap,
            colour_anchor=colour_anchor,
            expected_error=expected_error,
        )

    @torch.inference_mode()
    def __call__(
        self,
        lrgb: Tensor,
        settings: SamplingSettings | None = None,
        samples: Samples | None = None,
        on_progress: StageProgress | None = None,
    ) -> DarkDiffOutput:
        """Enhance one image.

        Args:
            lrgb: (h, w, 3) float32 LRGB in the pipeline's `lrgb_space`, or (h, w, 4) Bayer planes where the pipeline's
                `data_format` says so; 1 = saturation, any size.
            settings: settings of the diffusion; None takes the checkpoint's defaults.
            samples: the mosaic of the same image, for a model with a `detail`; of twice LRGB's sides, or of quad Bayer,
                from the corner of a square on, of four times these.
            on_progress: called with (stage, done, total).

        Returns:
            The sRGB picture, (h, w, 3) or of the sensor's size, the settings used and the denoiser's tiles.

        Raises:
            ValueError: a setting is out of range.
        """
        used = self.resolved(settings or SamplingSettings())

        # Views average out the mistakes of the last network: what adds detail needs the half-size picture once.
        fine = samples if used.size == "full" else None
        views = used.views if fine is None else 1

        # 1. Add a mirrored margin, up to whole latents at every level of the U-Net: (1, 3, H, W)
        framed_lrgb = self._framed(lrgb)
        plans: list[Plan] = []

        def enhance_view(view: int) -> Tensor:
            """Steps 2 to 5 on one view of the image."""
            # 2. Encode the noisy image: z_y, (1, 4, H/8, W/8)
            report = ViewProgress(on_progress, view, views)
            autoencoder = self._autoencoder(turned(framed_lrgb, view))
            z_y = autoencoder.encode(lambda done, total: report("encode", done, total))

            # 3. Compute the condition once: context features, their keys and values, for z_y and for pure noise
            plans.append(self._plan(z_y, used))
            report("context", 0, 1)
            null, counter = self._noise(z_y, NULL_SEED), StepCounter(report, used.steps)
            denoiser = TiledDenoiser(self.unet, self.context, z_y, null, used.guidance, plans[-1], counter)
            report("context", 1, 1)

            # 4. Denoise from one noise map: z_0, (1, 4, H/8, W/8)
            scheduler = make_scheduler(dict(self.scheduler.config), used.sampler)
            z_0 = sample(denoiser, self._noise(z_y, used.seed), scheduler, used.steps)

            # 5. Decode with the noisy image's residual features: (1, 3, H, W)
            return autoencoder.decode(z_0, lambda done, total: report("decode", done, total))

        srgb = mean_of_views(views, enhance_view)

        # 6. Finish the picture if the checkpoint asks for it, crop the margin, clip to [0, 1]: (h, w, 3)
        picture = self._finish(srgb, framed_lrgb, lrgb)

        # 7. Ours: add what the mosaic knows, at the sensor's size: (H, W, 3)
        if self.detail is not None and fine is not None:
            if settings is None or settings.views is None:
                used = replace(used, views=views_that_pay(picture, fine, used.views))
            report = None if on_progress is None else partial(on_progress, "detail")
            picture = sensors_size(self.detail, picture, fine, used.views, report)
        notes = tuple(dict.fromkeys(plan.note for plan in plans if plan.note is not None))
        return DarkDiffOutput(picture.contiguous(), used, plans[0], notes)

    @torch.inference_mode()
    def reconstruct(
        self, image: Tensor, latents_of: Tensor | None = None, zeroed: bool = False, views: int | None = None
    ) -> Tensor:
        """Encode and decode without diffusion: the result of stage 1 alone, or the upper bound for diffusion.

        Args:
            image: (h, w, channels) as in `__call__`; its features feed the residual taps.
            latents_of: image of the same size whose latents are decoded; None decodes `image`'s own. The clean image
                gives the upper bound of what diffusion can reach.
            zeroed: decode zeros instead of latents: what the residual taps do alone.
            views: as in `__call__`.

        Returns:
            (h, w, 3) sRGB in [0, 1] on the CPU, as `DarkDiffOutput.srgb`.
        """
        noisy, source = (self._framed(one) for one in (image, image if latents_of is None else latents_of))

        def decode_view(view: int) -> Tensor:
            latents = self._autoencoder(turned(source, view)).encode()
            latents = torch.zeros_like(latents) if zeroed else latents
            return self._autoencoder(turned(noisy, view)).decode(latents)

        srgb = mean_of_views(self.resolved(SamplingSettings(views=views)).views, decode_view)
        return self._finish(srgb, noisy, image)

    def resolved(self, settings: SamplingSettings) -> Sampling:
        """The settings with the checkpoint's defaults in place of None.

        Raises:
            ValueError: a setting is out of range (`Sampling.check`), or full size is asked of a model without it.
        """
        named = {key: self.config[f"default_{key}"] for key in ("steps", "guidance", "sampler", "views")}
        size: Size = "paper" if self.detail is None else "full"
        used = settings.over(Sampling(**named, tile=None if self.config["tile"] else 0, size=size, seed=0))
        used.check(self.unet.size_multiple)
        if used.size == "full" and self.detail is None:
            raise ValueError("this model makes pictures of half the sensor's size only; give --size half")
        return used

    def with_detail(self, detail: Detail) -> "DarkDiffPipeline":
        """The same model with a network for the sensor's size."""
        networks = (self.vae, self.unet, self.context, self.scheduler, detail)
        config = {name: value for name, value in dict(self.config).items() if name not in self.components}
        return DarkDiffPipeline(*networks, **{name: value for name, value in config.items() if name[0] != "_"})

    @property
    def finishing(self) -> Finishing:
        """The finishing steps that the checkpoint asks for."""
        return Finishing(bool(self.config["colour_anchor"]), float(self.config["expected_error"]))

    @property
    def precision(self) -> torch.dtype:
        """Precision of the networks' arithmetic: fp32 as loaded, then as set by `use_precision`."""
        return torch.as_tensor(self.unet.conv_in.weight).dtype

    def use_precision(self, precision: torch.dtype | None = None) -> None:
        """Set the precision of the networks' arithmetic, once the pipeline is on its device.

        The weights are cast in place, but for the parts that the networks keep in fp32. Training takes fp32 weights.

        Args:
            precision: fp32, fp16 or bf16; None takes the device's default.

        Raises:
            ValueError: the weights were cast to another precision before.
        """
        precision = precision or autocast_dtype(self.device) or torch.float32
        if self.precision not in (torch.float32, precision):
            raise ValueError(f"the weights are in {self.precision} already; load the model again for {precision}")
        for network in (self.vae, self.unet, self.context, self.detail):
            if network is not None:
                cast_weights(network, precision)

    def use_compilation(self) -> None:
        """Have the denoiser compiled at its first call, once the pipeline has its device and precision.

        Raises:
            ValueError: torch cannot compile here.
        """
        compile_denoiser(self.unet, self.device)
        self.compiled = True

    def _finish(self, srgb: Tensor, framed_lrgb: Tensor, image: Tensor) -> Tensor:
        """Decoded (1, channels, H, W) to the finished (h, w, channels) in [0, 1] on the CPU."""
        height, width = image.shape[:2]
        picture = finish(
            srgb, framed_lrgb, self.vae.factor, self.finishing, crop=lambda framed: unframed(framed, height, width)
        )
        return picture[0].clamp(0, 1).permute(1, 2, 0).float().cpu().contiguous()

    def _framed(self, image: Tensor) -> Tensor:
        """(h, w, channels) to (1, channels, H, W) with a mirrored margin, on the device."""
        image = image.permute(2, 0, 1)[None].to(self.device, torch.float32)
        return framed(image, self.vae.factor * self.unet.size_multiple)

    def _autoencoder(self, image: Tensor) -> TiledAutoencoder:
        size, config = (image.shape[2], image.shape[3]), dict(self.config)
        plan = plan_autoencoder(self.vae, size, config["vae_tile"], config["vae_tile_overlap"], self.precision)
        return TiledAutoencoder(self.vae, image.contiguous(memory_format=torch.channels_last), plan)

    def _plan(self, z_y: Tensor, used: Sampling) -> Plan:
        trained, overlap = self.config["tile"] or TRAINED, self.config["tile_overlap"]
        size = (z_y.shape[2], z_y.shape[3])
        return plan_denoiser(self.unet, size, used.tile, trained, overlap, used.guidance, self.precision)

    def _noise(self, like: Tensor, seed: int) -> Tensor:
        """Standard normal noise drawn on the CPU, the same on every device."""
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(like.shape, generator=generator).to(like.device)
