"""Large images in overlapping tiles: the denoiser at every step, the autoencoder once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from darkdiff_models.autoencoder import ResidualAutoencoderKL
from darkdiff_models.context import ContextProcessor
from darkdiff_models.sampling import guide
from darkdiff_models.unet import Condition, DarkDiffUNet

Progress = Callable[[int, int], None]
"""(done, in all)."""


@dataclass(frozen=True)
class Tiles:
    """A cover of a map by overlapping tiles of one size.

    Attributes:
        height, width: of the map.
        tile_height, tile_width: of every tile, at most the map's.
        overlap: fewest pixels that neighbours share.
        corners: (top, left) of every tile, in reading order.
    """

    height: int
    width: int
    tile_height: int
    tile_width: int
    overlap: int
    corners: tuple[tuple[int, int], ...]

    @classmethod
    def cover(cls, height: int, width: int, tile: int, overlap: int, grid: int = 1) -> "Tiles":
        """Cover a map with as few tiles as the overlap allows, spread evenly, corners on multiples of `grid`.

        Raises:
            ValueError: the overlap is negative or leaves no room in a tile.
        """
        if not 0 <= overlap <= tile - grid:
            raise ValueError(f"the overlap must be within 0..{tile - grid} for tiles of {tile}, got {overlap}")
        tile_height, tile_width = min(tile, height), min(tile, width)
        rows, columns = (_starts(n, t, overlap, grid) for n, t in ((height, tile_height), (width, tile_width)))
        corners = tuple((top, left) for top in rows for left in columns)
        return cls(height, width, tile_height, tile_width, overlap, corners)

    def crop(self, full: Tensor, index: int) -> Tensor:
        """Tile `index` of a (batch, channels, height, width) map, as a view."""
        top, left = self.corners[index]
        return full[..., top : top + self.tile_height, left : left + self.tile_width]

    def window(self, like: Tensor) -> Tensor:
        """(tile_height, tile_width) weights: 1 inside, falling smoothly towards each edge over the overlap."""
        rows, columns = (_ramp(n, self.overlap, like) for n in (self.tile_height, self.tile_width))
        return rows[:, None] * columns[None, :]


class Blend:
    """Sum tiles under their window and divide by the sum of windows."""

    def __init__(self, tiles: Tiles, channels: int, like: Tensor) -> None:
        self.tiles = tiles
        self.total = torch.zeros(1, channels, tiles.height, tiles.width, device=like.device)
        self.weight = torch.zeros(1, 1, tiles.height, tiles.width, device=like.device)
        self.window = tiles.window(self.total)

    def add(self, index: int, tile: Tensor) -> None:
        """Add tile `index`, (1, channels, tile_height, tile_width)."""
        self.tiles.crop(self.total, index).add_(tile.float() * self.window)
        self.tiles.crop(self.weight, index).add_(self.window)

    def result(self) -> Tensor:
        """(1, channels, height, width)."""
        return self.total / self.weight


class TiledDenoiser:
    """A denoiser over maps of any size: (z_t, t) -> prediction, guided (Eq. 10) and blended at every step.

    The context processor runs once per tile, here; every step reuses the projected condition. With a guidance of 1
    the null branch does not run at all.

    Args:
        unet, context: the networks.
        z_y: (1, channels, h, w) latents of the noisy image.
        null: (1, channels, h, w) pure noise, the null condition.
        guidance: guidance scale.
        tiles: cover of the latents.
        batch_size: tiles a call of the network.
        on_tiles: called after every network call with the number of tiles done in this step.
    """

    def __init__(
        self,
        unet: DarkDiffUNet,
        context: ContextProcessor,
        z_y: Tensor,
        null: Tensor,
        guidance: float,
        tiles: Tiles,
        batch_size: int = 4,
        on_tiles: Progress | None = None,
    ) -> None:
        self.unet, self.guidance, self.tiles, self.on_tiles = unet, guidance, tiles, on_tiles
        count = len(tiles.corners)
        self.chunks = [range(first, min(first + batch_size, count)) for first in range(0, count, batch_size)]
        branches = (z_y,) if guidance == 1 else (z_y, null)
        self.conditions: list[Condition] = []
        for chunk in self.chunks:
            maps = torch.cat([tiles.crop(branch, i) for branch in branches for i in chunk])
            self.conditions.append(unet.prepare(context(maps)))

    def __call__(self, latents: Tensor, timestep: Tensor) -> Tensor:
        """(1, channels, h, w) z_t -> the prediction of the same shape."""
        blend = Blend(self.tiles, latents.shape[1], latents)
        for chunk, condition in zip(self.chunks, self.conditions, strict=True):
            crops = torch.cat([self.tiles.crop(latents, i) for i in chunk])
            if self.guidance == 1:
                prediction = self.unet(crops, timestep, condition)
            else:
                both = self.unet(torch.cat([crops, crops]), timestep, condition)
                conditional, null = both.chunk(2)
                prediction = guide(conditional, null, self.guidance)
            for index, tile in zip(chunk, prediction.split(1), strict=True):
                blend.add(index, tile)
            if self.on_tiles is not None:
                self.on_tiles(chunk.stop, len(self.tiles.corners))
        return blend.result()


class TiledAutoencoder:
    """The residual autoencoder over images of any size, one tile in memory at a time.

    The decoder's residual features are computed again for each tile rather than kept: a third more arithmetic for a
    memory that does not grow with the photo. An image that fits into one tile is not cut.

    Args:
        vae: the autoencoder.
        tiles: cover of the image in pixels; sizes, corners and overlap are multiples of `vae.factor`.

    Raises:
        ValueError: a tile does not start or end on a latent.
    """

    def __init__(self, vae: ResidualAutoencoderKL, tiles: Tiles) -> None:
        self.vae, self.tiles, factor = vae, tiles, vae.factor
        edges = [tiles.height, tiles.width, tiles.tile_height, tiles.tile_width, *(n for c in tiles.corners for n in c)]
        if any(edge % factor for edge in edges):
            raise ValueError(f"tiles must start and end on multiples of {factor} pixels")
        corners = tuple((top // factor, left // factor) for top, left in tiles.corners)
        height, width, tile_height, tile_width = (edge // factor for edge in edges[:4])
        self.latent_tiles = Tiles(height, width, tile_height, tile_width, tiles.overlap // factor, corners)

    def encode(self, lrgb: Tensor, on_tiles: Progress | None = None) -> Tensor:
        """(1, 3, h, w) LRGB -> (1, channels, h/f, w/f) scaled latents."""
        blend = Blend(self.latent_tiles, int(self.vae.config["latent_channels"]), lrgb)
        for index in self._each(on_tiles):
            blend.add(index, self.vae.encode(self.tiles.crop(lrgb, index)).latents)
        return blend.result()

    def decode(self, latents: Tensor, lrgb: Tensor, on_tiles: Progress | None = None) -> Tensor:
        """Scaled latents and the noisy LRGB whose features feed the taps -> (1, 3, h, w) sRGB, not clipped."""
        blend = Blend(self.tiles, int(self.vae.config["out_channels"]), lrgb)
        for index in self._each(on_tiles):
            features = self.vae.encode(self.tiles.crop(lrgb, index)).features
            blend.add(index, self.vae.decode(self.latent_tiles.crop(latents, index), features))
        return blend.result()

    def _each(self, on_tiles: Progress | None) -> Iterator[int]:
        count = len(self.tiles.corners)
        for index in range(count):
            yield index
            if on_tiles is not None:
                on_tiles(index + 1, count)


def _starts(length: int, tile: int, overlap: int, grid: int) -> list[int]:
    """First pixels of evenly spread tiles, each on the grid; neighbours share at least `overlap` pixels."""
    span = length - tile
    if span == 0:
        return [0]
    gaps = -(-span // (tile - overlap - grid + 1))
    return [span * i // gaps // grid * grid for i in range(gaps)] + [span]


def _ramp(size: int, overlap: int, like: Tensor) -> Tensor:
    """Raised cosine over the overlap on both ends, never quite zero, 1 in between."""
    edge = torch.arange(size, device=like.device, dtype=like.dtype)
    distance = torch.minimum(edge + 0.5, size - 0.5 - edge)
    return torch.sin(0.5 * torch.pi * (distance / max(overlap, 1)).clamp(max=1.0)) ** 2
