"""Frames of one scene become one frame: their mean, without what moved."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.cfa import Cfa
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.noise import CLIPPED, NO_NOISE, MeasuredNoise, measure_noise
from darkdiff_cli.raw.stack.agreement import agreement
from darkdiff_cli.raw.stack.luminance import stabilised
from darkdiff_cli.raw.stack.registration import Motion, register
from darkdiff_cli.raw.stack.resampling import TILE, Shifted, shifted
from darkdiff_cli.raw.stack.roughness import roughness

LEAST_SHARE = 0.4  # of the photo that a frame must show
SQUARE = 16  # photosites along the side of the squares that tell how much brighter a frame is
LIT, LEAST_LIT = 20.0, 16  # deviations of the noise at which a square counts as lit, and how many must
MOST_CHANGE = 1.4  # between what EXIF says and what there is; beyond it the light is another, or EXIF is wrong
EVEN = 0.2  # of the change, by which squares may differ that changed alike


class Merger:
    """The weighted sum of the frames so far.

    Args:
        first: the frame that the others are aligned with, corrected, in DN.
    """

    def __init__(self, first: RawFrame) -> None:
        self.first = first.above_black()
        self.noise = measure_noise(self.first) or NO_NOISE
        self.luminance = stabilised(self.first, self.noise)
        light = self.first.light_dn()
        self.saturated = light >= CLIPPED * self.first.white_level
        self.typical = max(float(np.mean(light)), 0.0)  # DN, at which frames are weighed against each other
        self.total, self.weight = light.copy(), np.ones_like(light)

    def add(self, other: RawFrame) -> str | None:
        """Align a frame and add what has not moved, weighted by the inverse of its variance.

        That is the noise's and, at edges, what is interpolated wrongly there.

        Args:
            other: corrected, of the same size and filter; its exposure may be another.

        Returns:
            None, or why it is left out: the end of a sentence about it.
        """
        other = other.above_black()
        scale = exposure_ratio(self.first.metadata, other.metadata)
        motion = register(self.luminance, stabilised(other, self.noise, scale))
        if motion is None:
            return "has too little in common with the first frame to be aligned with it"
        aligned, seen, error = self._aligned(other.light_dn() * np.float32(scale), motion)
        seen &= aligned < CLIPPED * scale * other.white_level
        change, is_even = self._change(aligned, seen)
        if is_even and not 1 / MOST_CHANGE <= change <= MOST_CHANGE:
            return f"is {1 / change:.2g} times as bright as its exposure time and ISO say"
        change = float(np.clip(change, 1 / MOST_CHANGE, MOST_CHANGE))
        scale, aligned = scale * change, aligned * np.float32(change)
        measured = self._noise_of(other)
        noise = MeasuredNoise(measured.gain * scale, measured.read * scale)
        there = np.where(seen, aligned, self.first.light_dn())
        same = agreement(self.first, replace(self.first, mosaic_dn=there), (self.noise, noise)) * seen
        share = float(same.mean())
        if share < LEAST_SHARE:
            return f"shows only {share:.0%} of what the first frame shows"
        weight = same * np.float32(self._variance(self.noise) / self._variance(noise))
        rough = roughness(replace(self.first, mosaic_dn=(self.first.light_dn() + there) / 2), noise, frames=2)
        weight /= 1 + rough * error
        weight[self.saturated] = 0
        self.total += weight * aligned
        self.weight += weight
        return None

    def stacked(self) -> RawFrame:
        """The mean of what was added, above black, negative noise kept; all else is the first frame's."""
        return replace(self.first, mosaic_dn=self.total / self.weight)

    def noise_left(self) -> MeasuredNoise:
        """Of the mean, as the sensor's own would be that looks alike from afar.

        A frame that is interpolated has less noise from one photosite to the next, but as much of it in broad blotches
        as before. Who judges by the photosites would take these for the scene.
        """
        share = float(np.mean(1 / self.weight))
        return MeasuredNoise(self.noise.gain * share, self.noise.read * share**0.5)

    def noise_share(self) -> NDArray[np.float32]:
        """(H, W) how many times that noise's variance there is at each photosite: more where fewer frames agree."""
        share = 1 / self.weight if self.weight.ndim == 2 else (1 / self.weight).mean(axis=-1)
        return np.asarray(share / share.mean(), np.float32)

    def _change(self, aligned: NDArray[np.float32], seen: NDArray[np.bool_]) -> tuple[float, bool]:
        """By how much the light is brighter in the first frame than EXIF says: lamps flicker, and times are rounded.

        And whether it is so nearly everywhere.

        The median over squares that are lit in both, each weighted by its light, so that what moved does not count.
        """
        lights = [np.where(seen & ~self.saturated, light, 0) for light in (self.first.light_dn(), aligned)]
        high, wide = (n // SQUARE for n in aligned.shape[:2])
        cut = [light[: high * SQUARE, : wide * SQUARE].reshape(high, SQUARE, wide, SQUARE, -1) for light in lights]
        mine, others = (tiles.sum(axis=(1, 3, 4), dtype=np.float64).ravel() for tiles in cut)
        lit = mine + others > LIT * np.sqrt(SQUARE**2 * self._variance(self.noise))
        if lit.sum() < LEAST_LIT:
            return 1.0, True
        order = np.argsort(mine[lit] / np.maximum(others[lit], 1e-12))
        ratio, weight = (mine[lit] / np.maximum(others[lit], 1e-12))[order], others[lit][order].clip(0)
        middle = np.searchsorted(np.cumsum(weight), weight.sum() / 2)
        change = max(float(ratio[min(middle, len(ratio) - 1)]), 1e-6)
        return change, bool(np.mean(np.abs(ratio / change - 1) < EVEN) > 0.5)

    def _noise_of(self, other: RawFrame) -> MeasuredNoise:
        """The noise of a frame in its own DN: the first one's at the same ISO, since a measurement errs by itself."""
        same = other.metadata.iso == self.first.metadata.iso
        return self.noise if same else measure_noise(other) or NO_NOISE

    def _variance(self, noise: MeasuredNoise) -> float:
        return max(noise.gain * self.typical + noise.read**2, 1e-12)

    def _aligned(self, light: NDArray[np.float32], motion: Motion) -> Shifted:
        """(H, W) or (H, W, 3) light of a frame at the photosites of the first one."""
        frame, side = self.first, self.first.sites_per_pixel
        middles = [np.arange(TILE / 2, n + TILE / 2, TILE) for n in light.shape[:2]]
        places = [(middle - start) / side - 0.5 for middle, start in zip(middles, frame.first_pixel, strict=True)]
        shifts = motion.at(places[0], places[1]) * side
        if frame.cfa is None:
            planes = [shifted(light[..., colour], Cfa.monochrome(), shifts) for colour in range(3)]
            return Shifted(*(np.stack(parts, axis=-1) for parts in zip(*planes, strict=True)))
        gains = frame.cfa.spread(tuple(frame.white_balance[site.colour] for site in frame.cfa.sites), light.shape)
        found = shifted(light * gains, frame.cfa, shifts)
        return found._replace(light=found.light / gains)


def exposure_ratio(first: CaptureMetadata, other: CaptureMetadata) -> float:
    """How many times more light the values of the first shot stand for than those of the other, by EXIF time and ISO.

    1 where either shot does not say.
    """
    ratio = 1.0
    for name in ("exposure_time", "iso"):
        mine, others = getattr(first, name), getattr(other, name)
        if mine and others:
            ratio *= mine / others
    return ratio
