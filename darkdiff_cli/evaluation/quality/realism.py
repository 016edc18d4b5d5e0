"""KID: whether the pictures of a method, taken together, look like the references, whatever each of them shows.

The kernel distance of Binkowski et al. (ICLR 2018) between features of patches. Theirs are Inception's of whole
pictures; here they are those of LPIPS's VGG-16, which bench has, so numbers compare with each other and not with
published ones.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray

from darkdiff_cli.files import atomically
from darkdiff_models.learning.lpips import LPIPS

PATCH = 64  # pixels
MOST_PATCHES = 10  # along a side of a picture, spread evenly where it has room for more
STAGE = 4  # the fifth and last of VGG-16: after relu5_3, 512 channels
BATCH = 16
THOUSAND = 1000.0  # KID is given in thousandths, as is usual
NORMAL_95 = 1.96  # standard errors

Picture = NDArray[np.float32]


@dataclass(frozen=True)
class Features:
    """Of a picture and its reference.

    Attributes:
        picture, reference: (patches, channels) each; row i of both is of the same place.
    """

    picture: NDArray[np.float32]
    reference: NDArray[np.float32]

    def write(self, path: Path) -> None:
        """Write a small file; it is there whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """

        def fill(partial: Path) -> None:
            with partial.open("wb") as file:
                np.savez_compressed(file, picture=self.picture, reference=self.reference)

        atomically(path, fill)

    @classmethod
    def read(cls, path: Path) -> "Features | None":
        """The features of such a file; None where there is none that can be read."""
        try:
            with np.load(path) as arrays:
                found = cls(*(arrays[name].astype(np.float32) for name in ("picture", "reference")))
        except (OSError, KeyError, ValueError, TypeError, EOFError, BadZipFile):
            return None
        fit = found.picture.ndim == 2 and found.picture.shape == found.reference.shape
        return found if fit and all(np.isfinite(part).all() for part in (found.picture, found.reference)) else None


def features_path(output: Path, *of_what: str) -> Path:
    """Where features lie below the output folder of a run.

    Args:
        output: the folder.
        of_what: everything that changes the picture: protocol, method, scene.
    """
    digest = hashlib.blake2b("\n".join(of_what).encode(), digest_size=12).hexdigest()
    return output / "features" / f"{digest}.npz"


@torch.no_grad()
def patch_features(picture: Picture, network: LPIPS) -> NDArray[np.float32]:
    """Means of the deepest stage's activations over each patch of 64x64 pixels; patches do not overlap.

    Args:
        picture: (h, w, 3) sRGB in [0, 1].
        network: of VGG-16.

    Returns:
        (patches, 512), row by row, at most 100; none of a picture that is smaller than a patch.
    """
    tops, lefts = (_starts(length) for length in picture.shape[:2])
    patches = [picture[top : top + PATCH, left : left + PATCH] for top in tops for left in lefts]
    found = [np.empty((0, network.width(STAGE)), np.float32)]
    for first in range(0, len(patches), BATCH):
        batch = np.stack(patches[first : first + BATCH]).transpose(0, 3, 1, 2)
        activations = network.activations(torch.from_numpy(np.ascontiguousarray(batch)), STAGE)
        found.append(activations.mean(dim=(2, 3)).numpy())
    return np.concatenate(found)


def _starts(length: int) -> list[int]:
    count = min(length // PATCH, MOST_PATCHES)
    return [round(start) for start in np.linspace(0, max(length - PATCH, 0), count)] if count != 1 else [0]


def kernel_terms(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n, d) and (n, d) features of the same n places -> the (n, n) terms whose mean is the squared MMD.

    The kernel is (x.y / d + 1)^3. Term (i, j) is k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(y_i, x_j), and 0 where
    i = j (Gretton et al., JMLR 2012, Eq. 4): unbiased although x_i and y_i show the same place, and exactly 0 for equal
    sets.
    """
    x, y = first.astype(np.float64), second.astype(np.float64)
    dimensions = x.shape[1]

    def kernel(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((a @ b.T / dimensions + 1) ** 3)

    across = kernel(x, y)
    terms = kernel(x, x) + kernel(y, y) - across - across.T
    np.fill_diagonal(terms, 0.0)
    return terms


def kernel_distance(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Squared MMD of two sets of features, (n, d) each with n of 2 or more; may be below 0, as it is unbiased."""
    count = len(first)
    return float(kernel_terms(first, second).sum() / (count * (count - 1)))


def kid(pictures: Sequence[Features]) -> dict[str, float] | None:
    """KID of a set in thousandths, and its 95 % interval.

    Args:
        pictures: features of each picture and its reference.

    Returns:
        "mean", the KID; "low" and "high" by the jackknife that leaves out a picture; "count" of the pictures. None for
        fewer than two pictures, or where leaving one out leaves fewer than two patches.
    """
    pictures = [picture for picture in pictures if len(picture.picture)]
    sizes = np.array([len(picture.picture) for picture in pictures])
    if len(pictures) < 2 or sizes.sum() - sizes.max() < 2:
        return None
    stacked = (np.concatenate([p.picture for p in pictures]), np.concatenate([p.reference for p in pictures]))
    ends = np.cumsum(sizes)[:-1]
    rows = np.stack([part.sum(axis=0) for part in np.split(kernel_terms(*stacked), ends)])
    blocks = np.stack([part.sum(axis=1) for part in np.split(rows, ends, axis=1)], axis=1)
    total, left = blocks.sum(), sizes.sum() - sizes
    value = total / (sizes.sum() * (sizes.sum() - 1))
    without = (total - blocks.sum(axis=0) - blocks.sum(axis=1) + blocks.diagonal()) / (left * (left - 1))
    error = np.sqrt((len(sizes) - 1) * np.mean((without - without.mean()) ** 2))
    low, high = value - NORMAL_95 * error, value + NORMAL_95 * error
    return {
        "mean": float(THOUSAND * value),
        "low": float(THOUSAND * low),
        "high": float(THOUSAND * high),
        "count": len(sizes),
    }
