"""Cut a large map into overlapping tiles, and blend them into one map again."""

from collections.abc import Iterable
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
        tile_height, tile_width = (side_of(n, tile, overlap, grid, multiple or grid) for n in (height, width))
        return cls.spread(height, width, tile_height, tile_width, overlap, grid)

    @classmethod
    def spread(cls, height: int, width: int, tile_height: int, tile_width: int, overlap: int, grid: int = 1) -> "Tiles":
        """Cover a map with as few tiles of this size as the overlap allows, spread evenly; arguments as in `cover`.

        Raises:
            ValueError: as `cover`.
        """
        rows, columns = (_starts(n, t, overlap, grid) for n, t in ((height, tile_height), (width, tile_width)))
        corners = tuple((top, left) for top in rows for left in columns)
        return cls(height, width, tile_height, tile_width, overlap, corners)

    @property
    def computed(self) -> float:
        """How many times the map is computed: the pixels of all tiles for every pixel of the map."""
        return len(self.corners) * self.tile_height * self.tile_width / (self.height * self.width)

    def crop(self, full: Tensor, index: int) -> Tensor:
        """Tile `index` of a (batch, channels, height, width) map, as a view."""
        top, left = self.corners[index]
        return full[..., top : top + self.tile_height, left : left + self.tile_width]

    def crops(self, full: Tensor, indices: Iterable[int] | None = None) -> Tensor:
        """Tiles of a (1, channels, height, width) map as a batch; None takes all."""
        chosen = range(len(self.corners)) if indices is None else indices
        return torch.cat([self.crop(full, index) for index in chosen])

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

    def add(self, indices: Iterable[int], tiles: Tensor) -> None:
        """Add the tiles `indices`, (batch, channels, tile_height, tile_width)."""
        for index, tile in zip(indices, tiles.split(1), strict=True):
            self.tiles.crop(self.total, index).add_(tile.float() * self.window)
            self.tiles.crop(self.weight, index).add_(self.window)

    def result(self) -> Tensor:
        """(1, channels, height, width)."""
        return self.total / self.weight


def side_of(length: int, tile: int, overlap: int, grid: int, multiple: int) -> int:
    """The smallest side that needs no more tiles along a length than `tile` does; arguments as in `Tiles.cover`."""
    tiles = tiles_along(length, tile, overlap, grid)
    if tiles == 1:
        return length
    least = -(-(length + (tiles - 1) * (overlap + grid - 1)) // tiles)
    return min(tile, -(-least // multiple) * multiple)


def tiles_along(length: int, tile: int, overlap: int, grid: int = 1) -> int:
    """How many tiles of a side cover a length; arguments as in `Tiles.cover`.

    Raises:
        ValueError: the overlap is negative or leaves no room in a tile.
    """
    if not 0 <= overlap <= tile - grid:
        raise ValueError(f"the overlap must be within 0..{tile - grid} for tiles of {tile}, got {overlap}")
    return 1 + -(-max(0, length - tile) // (tile - overlap - grid + 1))


def _starts(length: int, tile: int, overlap: int, grid: int) -> list[int]:
    """First pixels of evenly spread tiles, each on the grid; neighbours share at least `overlap` pixels."""
    if length == tile:
        return [0]
    span, gaps = length - tile, tiles_along(length, tile, overlap, grid) - 1
    return [span * i // gaps // grid * grid for i in range(gaps)] + [span]


def _ramp(size: int, overlap: int, margin: int, like: Tensor) -> Tensor:
    """Raised cosine over the overlap without its two margins, at both ends of a tile; never quite zero."""
    edge = torch.arange(size, device=like.device, dtype=like.dtype)
    distance = torch.minimum(edge + 0.5, size - 0.5 - edge)
    share = ((distance - margin) / max(overlap - 2 * margin, 1)).clamp(0.0, 1.0)
    return torch.sin(0.5 * torch.pi * share).square().clamp_min(1e-4)
