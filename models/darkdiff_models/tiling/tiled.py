"""Large images in overlapping tiles: the denoiser at every step, the autoencoder once."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import torch
from torch import Tensor

from darkdiff_models.networks.autoencoder import Encoding, ResidualAutoencoderKL
from darkdiff_models.networks.conditioning import LatentContext
from darkdiff_models.networks.context import ContextProcessor
from darkdiff_models.networks.sampling import guide
from darkdiff_models.networks.unet import Condition, DarkDiffUNet
from darkdiff_models.tiling.planner import Plan
from darkdiff_models.tiling.shared_norms import SharedNorms
from darkdiff_models.tiling.tiles import Blend, Tiles

Progress = Callable[[int, int], None]
"""(done, total)."""

SAMPLES, SAMPLE_SIDE = 8, 256  # number and side in pixels of the crops that set the group norms' statistics
KEPT_BYTES = 2**29  # of encoder features; enough for a 12-megapixel raw with the bundled model in bf16


class TiledDenoiser:
    """A denoiser for maps of any size: (z_t, t) -> prediction, guided (Eq. 10) and blended at every step.

    The context processor runs once per tile, on creation; every step uses the projected condition. With a guidance of 1
    the null branch does not run.

    Args:
        unet, context: the networks.
        z_y: (1, channels, h, w) latents of the noisy image.
        null: (1, channels, h, w) pure noise, the null condition.
        guidance: guidance scale.
        plan: of the latents.
        on_tiles: called after every network call with the number of tiles done in this step.
    """

    def __init__(
        self,
        unet: DarkDiffUNet,
        context: ContextProcessor | LatentContext,
        z_y: Tensor,
        null: Tensor,
        guidance: float,
        plan: Plan,
        on_tiles: Progress | None = None,
    ) -> None:
        self.unet, self.guidance, self.tiles, self.on_tiles = unet, guidance, plan.tiles, on_tiles
        self.calls = plan.calls
        branches = (z_y,) if guidance == 1 else (z_y, null)
        self.conditions: list[Condition] = []
        for call in self.calls:
            maps = torch.cat([self.tiles.crops(branch, call) for branch in branches])
            self.conditions.append(unet.prepare(context(maps)))

    def __call__(self, latents: Tensor, timestep: Tensor) -> Tensor:
        """(1, channels, h, w) z_t -> the prediction of the same shape."""
        blend = Blend(self.tiles, latents.shape[1], latents)
        for call, condition in zip(self.calls, self.conditions, strict=True):
            crops = self.tiles.crops(latents, call)
            if self.guidance == 1:
                prediction = self.unet(crops, timestep, condition)
            else:
                both = self.unet(torch.cat([crops, crops]), timestep, condition)
                conditional, null = both.chunk(2)
                prediction = guide(conditional, null, self.guidance)
            blend.add(call, prediction)
            if self.on_tiles is not None:
                self.on_tiles(call.stop, len(self.tiles.corners))
        return blend.result()


class TiledAutoencoder:
    """The residual autoencoder for images of any size, the tiles of one call in memory at a time.

    Their encoding is kept for the decoder while `keep` allows, and computed again otherwise, so that memory does
    not grow with the photo. An image that fits into one tile is not cut. The group norms of all tiles share statistics
    measured on a sample spread over the whole image, so that no tile shows; self-attention in the middle block, if the
    network has it, sees one tile only.

    Args:
        vae: the autoencoder.
        lrgb: (1, channels, h, w) noisy LRGB or Bayer planes.
        plan: of the image in pixels; sizes, corners and overlap of its tiles are multiples of `vae.factor`.
        keep: how many bytes of encoder features may be kept.

    Raises:
        ValueError: a tile does not start or end on a latent.
    """

    def __init__(self, vae: ResidualAutoencoderKL, lrgb: Tensor, plan: Plan, keep: int = KEPT_BYTES) -> None:
        tiles = replace(plan.tiles, margin=plan.tiles.overlap // 4)
        self.vae, self.lrgb, self.tiles, self.calls, self.free_bytes = vae, lrgb, tiles, plan.calls, keep
        self.latent_tiles = self.tiles.shrunk(vae.factor)
        self.norms: AbstractContextManager[object] = nullcontext() if len(tiles.corners) == 1 else SharedNorms(vae)
        side = min(SAMPLE_SIDE, tiles.tile_height, tiles.tile_width)
        grid = Tiles.cover(tiles.height, tiles.width, side, 0, vae.factor)
        count = min(SAMPLES, len(grid.corners))
        picked = tuple(grid.corners[round((i + 0.5) * len(grid.corners) / count - 0.5)] for i in range(count))
        self.sample = replace(grid, corners=picked)
        self.kept: dict[range, Encoding] = {}
        self.sampled: Encoding | None = None

    def encode(self, on_tiles: Progress | None = None) -> Tensor:
        """(1, channels, h/f, w/f) scaled latents of the image."""
        blend = Blend(self.latent_tiles, int(self.vae.config["latent_channels"]), self.lrgb)
        with self.norms as shared:
            if shared is not None:
                self._measure()
            for call in self._each(on_tiles):
                encoding = self._take(call)
                blend.add(call, encoding.latents)
                self._keep(call, encoding)
        return blend.result()

    def decode(self, latents: Tensor, on_tiles: Progress | None = None) -> Tensor:
        """Scaled (1, channels, h/f, w/f) latents, with the image's own features -> (1, 3, h, w) sRGB, not clipped."""
        blend = Blend(self.tiles, int(self.vae.config["out_channels"]), self.lrgb)
        with self.norms as shared:
            if shared is not None:
                sampled = self.sample.shrunk(self.vae.factor).crops(latents)
                self.vae.decode(sampled, self._measure())
            for call in self._each(on_tiles):
                blend.add(call, self.vae.decode(self.latent_tiles.crops(latents, call), self._take(call)))
        return blend.result()

    def _measure(self) -> Encoding:
        """The encoding of the sample crops, which sets the encoder's statistics; computed once."""
        if self.sampled is None:
            self.sampled = self.vae.encode(self.sample.crops(self.lrgb))
        return self.sampled

    def _take(self, call: range) -> Encoding:
        """The encoding of a call's tiles: the kept one, which is released, or a new one."""
        kept = self.kept.pop(call, None)
        if kept is None:
            return self.vae.encode(self.tiles.crops(self.lrgb, call))
        self.free_bytes += kept.feature_bytes
        return kept

    def _keep(self, call: range, encoding: Encoding) -> None:
        if encoding.feature_bytes <= self.free_bytes:
            self.kept[call] = encoding
            self.free_bytes -= encoding.feature_bytes

    def _each(self, on_tiles: Progress | None) -> Iterator[range]:
        for call in self.calls:
            yield call
            if on_tiles is not None:
                on_tiles(call.stop, len(self.tiles.corners))
