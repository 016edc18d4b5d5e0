"""Where each part of a frame lies in another one: one shift of the whole, refined block by block."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from darkdiff_cli.raw.stack.correlation import correlate

Floats = NDArray[np.float64]
BLOCK = 48  # pixels along the side of a block
LEAST_HEIGHT = 9.0  # deviations of a peak; noise and other scenes reach 6, one scene at 1/300 of its light 80
FINEST = 1.0  # pixels: the Gaussian that pictures are smoothed by at last
ROUNDS = 4  # of Gauss and Newton at each smoothing
TURN = 0.01  # pixels a pixel: what rotation and scale between frames may well be
STEADY = 0.01  # pixels by which blocks depart from the common motion at least
LOOSEST = 1.0  # and at most
OUTLIER = 3.0  # deviations at which a pixel, or a block that departs from the common motion, counts half


@dataclass(frozen=True)
class Motion:
    """How far each part of a scene has moved from one frame to another.

    Attributes:
        blocks: (rows, columns, 2) shift down and right in pixels at the middle of each block.
        middles: rows and columns of these middles.
    """

    blocks: Floats
    middles: tuple[Floats, Floats]

    def at(self, rows: Floats, columns: Floats) -> Floats:
        """(R,) rows and (C,) columns -> (R, C, 2) shifts there, in pixels; linear between the blocks' middles."""
        asked = zip((rows, columns), self.middles, strict=True)
        places = [np.interp(wanted, have, np.arange(len(have))) for wanted, have in asked]
        grid = np.stack(np.meshgrid(*places, indexing="ij"))
        return np.stack([map_coordinates(self.blocks[..., axis], grid, order=1) for axis in (0, 1)], axis=-1)


def register(reference: NDArray[np.float32], other: NDArray[np.float32]) -> Motion | None:
    """Find the motion between two pictures.

    The whole is placed by phase correlation; then blocks are aligned by Gauss and Newton on finer and finer pictures
    (Lucas and Kanade 1981). A motion that is linear over the picture (shift, turn, scale) is fitted to the blocks,
    robustly, so that what moved by itself counts little, and each block departs from it as far as its own gradients
    and the scatter of all blocks make that likely (empirical Bayes).

    Args:
        reference, other: (h, w), noise of the same deviation everywhere.

    Returns:
        Where the light of `reference` lies in `other`, less its own place; None where the pictures have too little in
        common to tell.
    """
    peak = correlate(reference, other)
    if peak.height < LEAST_HEIGHT:
        return None
    edges = [np.linspace(0, n, max(1, n // BLOCK) + 1).astype(int) for n in reference.shape]
    middles = tuple((edge[:-1] + edge[1:] - 1) / 2 for edge in edges)
    motion = Motion(np.broadcast_to(peak.shift, (*map(len, middles), 2)).copy(), (middles[0], middles[1]))
    variance = _noise(reference)
    smooth = max(2.0, float(peak.step)) * 2
    while smooth > FINEST:
        smooth = max(smooth / 2, FINEST)
        pictures = [gaussian_filter(picture, smooth) for picture in (reference, other)]
        for _ in range(ROUNDS):
            motion = _improved(motion, pictures, edges, variance, smooth)
    return motion


def _noise(picture: NDArray[np.float32]) -> float:
    """Variance of the noise of a picture, from second differences."""
    second = picture[:, :-2] + picture[:, 2:] - 2 * picture[:, 1:-1]
    return max((1.4826 * float(np.median(np.abs(second)))) ** 2 / 6, 1e-12)


def _improved(
    motion: Motion, pictures: list[NDArray[np.float32]], edges: list[NDArray[np.int_]], variance: float, smooth: float
) -> Motion:
    """One step of Gauss and Newton for all blocks, and what they have in common.

    Args:
        motion: so far.
        pictures: reference and other, smoothed.
        edges: rows and columns where blocks begin and end.
        variance: of the noise before smoothing.
        smooth: deviation of the smoothing in pixels.
    """
    reference, other = pictures
    places = [np.arange(n, dtype=np.float64) for n in reference.shape]
    moved = motion.at(places[0], places[1]).transpose(2, 0, 1) + np.stack(np.meshgrid(*places, indexing="ij"))
    seen = np.logical_and.reduce([(at >= 0) & (at <= n - 1) for at, n in zip(moved, other.shape, strict=True)])
    warped = map_coordinates(other, moved, order=1, mode="nearest").astype(np.float32)
    slopes = [(first + second) / 2 for first, second in zip(np.gradient(reference), np.gradient(warped), strict=True)]
    error = reference - warped
    usual = max(1.4826 * float(np.median(np.abs(error[seen]))) if seen.any() else 0.0, 1e-6)
    trust = seen / (1 + (error / (OUTLIER * usual)) ** 2)
    noise = variance / (16 * np.pi * smooth**4) * _sums(trust, edges)  # of the slopes' squares
    normal = np.empty((*motion.blocks.shape, 2))
    wanted = np.stack([_sums(trust * slope * error, edges) for slope in slopes], axis=-1)
    for row in (0, 1):
        for column in (0, 1):
            products = _sums(trust * slopes[row] * slopes[column], edges)
            normal[..., row, column] = products - (noise if row == column else 0)
    values, vectors = np.linalg.eigh(normal)
    values = np.maximum(values, 1e-3 * noise[..., None] + 1e-9)
    along = np.einsum("rcji,rcj->rci", vectors, wanted) / (values + noise[..., None])
    step = np.einsum("rcij,rcj->rci", vectors, np.clip(along, -2 * smooth, 2 * smooth))
    known = np.einsum("rcij,rcj,rckj->rcik", vectors, values / (2 * variance), vectors)
    return Motion(_in_common(motion.blocks + step, known, motion.middles), motion.middles)


def _sums(values: NDArray[np.float32], edges: list[NDArray[np.int_]]) -> Floats:
    """Sums over blocks."""
    rows = np.add.reduceat(values, edges[0][:-1], axis=0, dtype=np.float64)
    return np.asarray(np.add.reduceat(rows, edges[1][:-1], axis=1))


def _in_common(blocks: Floats, known: Floats, middles: tuple[Floats, Floats]) -> Floats:
    """Draw the blocks' shifts towards the linear motion that fits them.

    Args:
        blocks: (rows, columns, 2) shift of each block by itself, in pixels.
        known: (rows, columns, 2, 2) the inverse of its covariance.
        middles: of the blocks.

    Returns:
        (rows, columns, 2).
    """
    down, across = np.meshgrid(*(middle - middle.mean() for middle in middles), indexing="ij")
    design = np.stack([np.ones_like(down), down, across], axis=-1).reshape(-1, 3)
    shifts, inverse = blocks.reshape(-1, 2), known.reshape(-1, 2, 2)
    covariance = np.linalg.inv(inverse)
    prior = np.kron(np.diag([1e-9, TURN**-2, TURN**-2]), np.eye(2))
    weight, spread = np.ones(len(shifts)), LOOSEST**2
    for _ in range(8):
        trusted = np.linalg.inv(covariance + spread * np.eye(2)) * weight[:, None, None]
        system = np.einsum("na,nij,nb->aibj", design, trusted, design).reshape(6, 6) + prior
        right = np.einsum("na,nij,nj->ai", design, trusted, shifts).reshape(6)
        common = design @ np.linalg.solve(system, right).reshape(3, 2)
        off = shifts - common
        sure = np.trace(covariance, axis1=1, axis2=2) < 2 * LOOSEST**2
        if sure.any():  # the median of the squares of two normal values is 2 ln 2
            excess = (off[sure] ** 2).sum(axis=1) / 2 - np.trace(covariance[sure], axis1=1, axis2=2) / 2
            spread = float(np.clip(np.median(excess) / np.log(2), STEADY**2, LOOSEST**2))
        far = np.einsum("ni,nij,nj->n", off, np.linalg.inv(covariance + spread * np.eye(2)), off)
        weight = 1 / (1 + far / OUTLIER**2)
    own = np.linalg.solve(inverse + np.eye(2) / spread, np.einsum("nij,nj->ni", inverse, off)[..., None])[..., 0]
    own *= np.minimum(weight * 2, 1)[:, None]  # a block that moved by itself follows the others
    return np.asarray(common + own).reshape(blocks.shape)
