"""Scores of one picture against its reference, and what a set of scores says."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

from darkdiff_cli.colour import srgb_decode
from darkdiff_cli.evaluation.protocols.protocol import Protocol
from darkdiff_cli.evaluation.quality.realism import Features, patch_features
from darkdiff_cli.weights import check_lpips_file
from darkdiff_models.learning.lpips import LPIPS

Picture = NDArray[np.float32]
SSIM_WINDOW = 7  # scikit-image's default: a uniform window of 7x7, each channel apart
COLOUR_BLOCK = 32
RESAMPLES = 10_000
ENOUGH = 6  # pairs for an interval: resampling fewer makes it far too narrow, and Wilcoxon's p of five is 1/16 or more


@dataclass(frozen=True)
class Judge:
    """The metrics of a protocol.

    Attributes:
        protocol: what is compared, and how.
        alex, vgg: LPIPS v0.1 networks; None leaves that score out, and KID where it is VGG's.
    """

    protocol: Protocol
    alex: LPIPS | None = None
    vgg: LPIPS | None = None

    @property
    def metrics(self) -> set[str]:
        """Names of the scores that it gives."""
        learned = {name for name, network in (("lpips", self.alex), ("lpips_vgg", self.vgg)) if network is not None}
        return {"psnr", "ssim", "colour"} | learned

    def score(self, output: Picture, reference: Picture) -> dict[str, float]:
        """PSNR (dB), SSIM, LPIPS and the colour error (CIEDE2000 of 32x32 block means) of a picture.

        Args:
            output, reference: (h, w, 3) sRGB in [0, 1].

        Raises:
            ValueError: the sizes differ.
        """
        output, reference = self._prepared(output, reference)
        mse = float(np.mean((output.astype(np.float64) - reference) ** 2))
        scores = {
            "psnr": float(-10 * np.log10(max(mse, 1e-12))),
            "ssim": float(
                structural_similarity(output, reference, win_size=SSIM_WINDOW, channel_axis=2, data_range=1.0)
            ),
        }
        for name, network in (("lpips", self.alex), ("lpips_vgg", self.vgg)):
            if network is not None:
                scores[name] = lpips_of(output, reference, network)
        scores["colour"] = colour_error(output, reference)
        return scores

    def features(self, output: Picture, reference: Picture) -> Features | None:
        """What KID needs of a picture, arguments as in `score`; None without the VGG network."""
        if self.vgg is None:
            return None
        return Features(*(patch_features(picture, self.vgg) for picture in self._prepared(output, reference)))

    def _prepared(self, output: Picture, reference: Picture) -> tuple[Picture, Picture]:
        if output.shape != reference.shape:
            raise ValueError(f"output of {output.shape[:2]} pixels against a reference of {reference.shape[:2]}")
        output, reference = (prepare(picture, self.protocol) for picture in (output, reference))
        if self.protocol.illuminance:
            output = quantised(np.clip(corrected(output, reference), 0, 1), self.protocol.bits)
        return output, reference


def prepare(picture: Picture, protocol: Protocol) -> Picture:
    """Crop, transfer curve and bit depth of a protocol."""
    if protocol.crop is not None:
        height, width = picture.shape[:2]
        top, left = max(0, (height - protocol.crop) // 2), max(0, (width - protocol.crop) // 2)
        picture = picture[top : top + protocol.crop, left : left + protocol.crop]
    if protocol.curve == "bt709":
        picture = bt709_encode(srgb_decode(picture))
    return quantised(np.clip(picture, 0, 1), protocol.bits)


def quantised(picture: Picture, bits: int | None) -> Picture:
    """Rounded to what `bits` can hold; None leaves it."""
    if bits is None:
        return np.asarray(picture, dtype=np.float32)
    top = np.float32(2**bits - 1)
    return np.asarray(np.rint(picture * top) / top, dtype=np.float32)


def corrected(output: Picture, reference: Picture) -> Picture:
    """ELD's illuminance correction: each channel scaled by least squares to the reference."""
    scale = (output * reference).sum((0, 1)) / np.maximum((output**2).sum((0, 1)), 1e-8)
    return np.asarray(output * scale, dtype=np.float32)


def bt709_encode(linear: Picture) -> Picture:
    """ITU-R BT.709's curve, rawpy's default gamma (2.222, 4.5)."""
    return np.where(linear < 0.018, 4.5 * linear, 1.099 * np.maximum(linear, 0.018) ** 0.45 - 0.099).astype(np.float32)


@torch.no_grad()
def lpips_of(output: Picture, reference: Picture, network: LPIPS) -> float:
    """LPIPS v0.1 of two (h, w, 3) pictures in [0, 1]."""
    tensors = [torch.from_numpy(np.ascontiguousarray(p.transpose(2, 0, 1)))[None].float() for p in (output, reference)]
    return float(network(*tensors))


def colour_error(output: Picture, reference: Picture) -> float:
    """Mean CIEDE2000 of the pictures' block means (sRGB values averaged over 32x32 pixels)."""
    means = [_blocks(picture) for picture in (output, reference)]
    return float(np.mean(deltaE_ciede2000(*(rgb2lab(mean) for mean in means))))


def _blocks(picture: Picture) -> Picture:
    side = min(COLOUR_BLOCK, *picture.shape[:2])
    height, width = (n // side * side for n in picture.shape[:2])
    grid = picture[:height, :width].reshape(height // side, side, width // side, side, 3)
    return np.asarray(grid.mean(axis=(1, 3)), dtype=np.float32)


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """95 % bootstrap interval of the mean (percentile method, fixed seed)."""
    rng = np.random.default_rng(0)
    means = rng.choice(values, (RESAMPLES, len(values))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def spread(values: NDArray[np.float64]) -> dict[str, float]:
    """The interval as "low" and "high"; nothing of fewer values than `ENOUGH`."""
    return dict(zip(("low", "high"), interval(values), strict=True)) if len(values) >= ENOUGH else {}


def paired(first: NDArray[np.float64], second: NDArray[np.float64]) -> dict[str, float]:
    """What two methods' scores of the same pairs say.

    Returns:
        "difference", the mean of first - second, and "count" of the pairs; of `ENOUGH` pairs also "low" and "high", its
        bootstrap interval, and "p", Wilcoxon's.
    """
    from scipy.stats import wilcoxon

    difference = first - second
    found = {"difference": float(difference.mean()), "count": len(difference), **spread(difference)}
    if len(difference) < ENOUGH:
        return found
    return {**found, "p": 1.0 if not difference.any() else float(wilcoxon(difference).pvalue)}


def load_lpips(alex: Path | None, vgg: Path | None) -> tuple[LPIPS | None, LPIPS | None]:
    """The LPIPS networks from their files.

    Raises:
        ValueError: a file holds no such weights, or is none.
    """
    for path in (alex, vgg):
        if path is not None:
            check_lpips_file(path)
    return (
        LPIPS.from_file(alex, "alex") if alex is not None else None,
        LPIPS.from_file(vgg, "vgg") if vgg is not None else None,
    )
