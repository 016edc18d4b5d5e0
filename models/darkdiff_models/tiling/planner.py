"""Which tiles a network works on, and how many in one call.

The tiles are chosen by arithmetic alone, so that a picture is the same on every machine. How many go into a call comes
from the device: it changes the speed, and of the picture only the rounding.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from darkdiff_models.networks.autoencoder import ResidualAutoencoderKL
from darkdiff_models.networks.unet import DarkDiffUNet
from darkdiff_models.tiling.cost import Operations, denoiser_operations
from darkdiff_models.tiling.memory import (
    AUTOENCODER,
    autoencoder_values,
    denoiser_bytes,
    denoiser_values,
    room,
)
from darkdiff_models.tiling.tiles import Tiles, tiles_along

Sides = tuple[int, int]  # height and width of a tile

TRAINED = 64  # latents: side of Stable Diffusion's pictures, the smallest tile of a model made for whole images
# Values of the largest maps from which on a call gains nothing by more tiles. On a GPU a kernel over so many takes
# longer than its launch: 2 ** 24 bfloat16 are read and written in 20 microseconds at 3 TB/s. On a CPU it was measured
# with the bundled model: calls of one tile of 32 to 44 latents took 1.1 to 1.3 times as long as calls of 2 ** 18
# values, and larger calls gained 5 to 11 %.
WORTH = {"cpu": 2**18}
WORTH_GPU = 2**24
UNKNOWN = 2**31  # bytes that a call may take where the device does not tell what is free


@dataclass(frozen=True)
class Plan:
    """How a network works on a map.

    Attributes:
        tiles: cover of the map.
        per_call: tiles of one network call.
        note: what to tell the user where memory made the tiles smaller than asked for, else None.
    """

    tiles: Tiles
    per_call: int
    note: str | None = None

    @property
    def calls(self) -> list[range]:
        """The tiles of each network call."""
        count = len(self.tiles.corners)
        return [range(first, min(first + self.per_call, count)) for first in range(0, count, self.per_call)]


def plan_denoiser(
    unet: DarkDiffUNet,
    size: Sides,
    tile: int | None,
    trained: int,
    overlap: int,
    guidance: float,
    dtype: torch.dtype,
) -> Plan:
    """Plan the denoiser's tiles.

    Args:
        unet: the denoiser.
        size: height and width of the latents, multiples of `unet.size_multiple`.
        tile: side of a tile; 0 for the whole map where it fits into memory; None for the cover of fewest operations,
            the next smaller one where it does not fit.
        trained: side that the denoiser was trained on, the smallest that is planned.
        overlap: fewest latents that neighbours share; at most half a tile is used.
        guidance, dtype: as in `denoiser_bytes`.
    """
    free, note = room(unet.device), None
    if tile:
        tiles = Tiles.cover(*size, tile, min(overlap, tile // 2), 1, unet.size_multiple)
    else:
        overlap = min(overlap, trained // 2)
        covers = ranked(size, trained, overlap, unet.size_multiple, denoiser_operations(unet.config))
        wanted = size if tile == 0 else covers[0]

        def fits(sides: Sides) -> bool:
            needed = denoiser_bytes(unet, sides, _count(size, sides, overlap), 1, guidance, dtype)
            return free is None or needed < free

        chosen = next((sides for sides in (wanted, *covers) if fits(sides)), min(covers, key=math.prod))
        tiles, note = Tiles.spread(*size, *chosen, overlap), _note(size, wanted, chosen)
    sides, count = (tiles.tile_height, tiles.tile_width), len(tiles.corners)
    left = None if free is None else free - denoiser_bytes(unet, sides, count, 0, guidance, dtype)
    one = denoiser_bytes(unet, sides, 0, 1, guidance, dtype)
    return Plan(tiles, per_call(count, denoiser_values(unet, sides, guidance), one, left, unet.device), note)


def plan_autoencoder(vae: ResidualAutoencoderKL, size: Sides, tile: int, overlap: int, dtype: torch.dtype) -> Plan:
    """Plan the autoencoder's tiles: convolutions alone cost least in as few tiles as the largest side allows.

    Args:
        vae: the autoencoder.
        size: height and width of the image in pixels.
        tile: largest side of a tile in pixels.
        overlap: fewest pixels that neighbours share.
        dtype: precision of the networks' arithmetic.
    """
    tiles = Tiles.cover(*size, tile, overlap, vae.factor)
    values = autoencoder_values(vae, (tiles.tile_height, tiles.tile_width))
    one = AUTOENCODER * values * dtype.itemsize
    return Plan(tiles, per_call(len(tiles.corners), values, one, room(vae.device), vae.device))


def ranked(size: Sides, least: int, overlap: int, multiple: int, operations: Operations) -> list[Sides]:
    """Sides of equal tiles that cover a map, from the whole map down to `least`: fewest operations first.

    Args:
        size: height and width of the map.
        least: smallest side of a tile where the map is larger.
        overlap: fewest pixels that neighbours share.
        multiple: sides are multiples of it where the map's are.
        operations: of the network.
    """
    heights, widths = (_sides(length, least, overlap, multiple) for length in size)
    covers = [(height, width) for height in heights for width in widths]

    def spent(sides: Sides) -> tuple[float, int]:
        count = _count(size, sides, overlap)
        return count * operations.of(*sides), count

    return sorted(covers, key=spent)


def per_call(count: int, values: int, bytes_of_one: int, free: float | None, device: torch.device) -> int:
    """How many tiles one network call takes: as many as pay and fit, in calls of the same size.

    Args:
        count: tiles of the cover.
        values: of a tile's largest map.
        bytes_of_one: memory of a tile's call.
        free: bytes that a call may take; None if unknown.
        device: of the network.
    """
    paying = -(-WORTH.get(device.type, WORTH_GPU) // values)
    fitting = int((UNKNOWN if free is None else free) // bytes_of_one)
    most = max(1, min(count, paying, fitting))
    return -(-count // -(-count // most))


def _sides(length: int, least: int, overlap: int, multiple: int) -> Sequence[int]:
    """The sides worth a look along a length: the smallest that 1, 2, 3, ... tiles need, down to `least`."""
    sides = [length]
    while sides[-1] > least:
        tiles = len(sides) + 1
        needed = -(-(length + (tiles - 1) * overlap) // tiles)
        sides.append(max(least, -(-needed // multiple) * multiple))
    return list(dict.fromkeys(sides))


def _count(size: Sides, sides: Sides, overlap: int) -> int:
    """Tiles of the cover."""
    rows, columns = (
        1 if length == side else tiles_along(length, side, overlap) for length, side in zip(size, sides, strict=True)
    )
    return rows * columns


def _note(size: Sides, wanted: Sides, chosen: Sides) -> str | None:
    """What to tell the user of smaller tiles than wanted."""
    if chosen == wanted:
        return None
    much = "the whole image does not fit into memory at once"
    if wanted != size:
        much = f"tiles of {wanted[0]}x{wanted[1]} latents do not fit into memory"
    return f"{much}, so it is denoised in tiles of {chosen[0]}x{chosen[1]} latents"
