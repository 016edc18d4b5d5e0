"""Cut a large map into overlapping tiles, and blend them into one map again."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Tiles:
    """A cover of a map by overlapping tiles of one size.

    Attributes:
        height, width: of the map.
        tile_height, tile_width: of every tile, at most the map's.
        overlap: fewest pixels that neighbours share.
        corners: (top, left) of every tile, in reading order.
        margin: outermost pixels of each overlap, which get almost no weight: they are affected by the tile's padding.
    """

    height: int
    width: int
    tile_height: int
    tile_width: int
    overlap: int
    corners: tuple[tuple[int, int], ...]
    margin: int = 0

    @classmethod
    def cover(
        cls, height: int, width: int, tile: int, overlap: int, grid: int = 1, multiple: int | None = None
    ) -> "Tiles":
        """Cover a map with as few tiles as the overlap allows, spread evenly, and no larger than they need to be.

        Args:
            height, width: of the map.
            tile: largest side of a tile.
            overlap: fewest pixels that neighbours share.
            grid: corners are multiples of it.
            multiple: sides of tiles are multiples of it where the map's are; None takes `grid`.

        Raises:
            ValueError: the overlap is negative or leaves no room in a tile.
        """
        if not 0 <= overlap <= tile - grid:
            raise ValueError(f"the overlap must be within 0..{tile - grid} for tiles of {tile}, got {overlap}")
        tile_height, tile_width = (_side(n, tile, overlap, grid, multiple or grid) for n in (height, width))
        rows, columns = (_starts(n, t, overlap, grid) for n, t in ((height, tile_height), (width, tile_width)))
        corners = tuple((top, left) for top in rows for left in columns)
        return cls(height, width, tile_height, tile_width, overlap, corners)

    def crop(self, full: Tensor, index: int) -> Tensor:
        """Tile `index` of a (batch, channels, height, width) map, as a view."""
        top, left = self.corners[index]
        return full[..., top : top + self.tile_height, left : left + self.tile_width]

    def crops(self, full: Tensor) -> Tensor:
        """All tiles of a (1, channels, height, width) map as a batch."""
        return torch.cat([self.crop(full, index) for index in range(len(self.corners))])

    def shrunk(self, factor: int) -> "Tiles":
        """The same cover of the map that is `factor` times smaller.

        Raises:
            ValueError: a tile does not start or end on a multiple of `factor`.
        """
        edges = [self.height, self.width, self.tile_height, self.tile_width, *(n for c in self.corners for n in c)]
        if any(edge % factor for edge in edges):
            raise ValueError(f"tiles must start and end on multiples of {factor} pixels")
        height, width, tile_height, tile_width = (edge // factor for edge in edges[:4])
        corners = tuple((top // factor, left // factor) for top, left in self.corners)
        return Tiles(height, width, tile_height, tile_width, self.overlap // factor, corners, self.margin // factor)

    def window(self, like: Tensor) -> Tensor:
        """(tile_height, tile_width) weights: 1 inside, falling smoothly to almost 0 in the overlap without margins."""
        rows, columns = (_ramp(n, self.overlap, self.margin, like) for n in (self.tile_height, self.tile_width))
        return rows[:, None] * columns[None, :]


class Blend:
    """Weighted mean of overlapping tiles, with `Tiles.window` as weights."""

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


def _side(length: int, tile: int, overlap: int, grid: int, multiple: int) -> int:
    """The smallest side that needs no more tiles than `tile` does."""
    if length <= tile:
        return length
    gaps = -(-(length - tile) // (tile - overlap - grid + 1))
    least = -(-(length + gaps * (overlap + grid - 1)) // (gaps + 1))
    return min(tile, -(-least // multiple) * multiple)


def _starts(length: int, tile: int, overlap: int, grid: int) -> list[int]:
    """First pixels of evenly spread tiles, each on the grid; neighbours share at least `overlap` pixels."""
    span = length - tile
    if span == 0:
        return [0]
    gaps = -(-span // (tile - overlap - grid + 1))
    return [span * i // gaps // grid * grid for i in range(gaps)] + [span]


def _ramp(size: int, overlap: int, margin: int, like: Tensor) -> Tensor:
    """Raised cosine over the overlap without its two margins, at both ends of a tile; never quite zero."""
    edge = torch.arange(size, device=like.device, dtype=like.dtype)
    distance = torch.minimum(edge + 0.5, size - 0.5 - edge)
    share = ((distance - margin) / max(overlap - 2 * margin, 1)).clamp(0.0, 1.0)
    return torch.sin(0.5 * torch.pi * share).square().clamp_min(1e-4)
