"""A limited number of pairs, made once and kept: where making them takes longer than training on them."""

from typing import Protocol

import numpy as np
from torch.utils.data import Dataset

from darkdiff_cli.datasets.pairs import Pair


class Pairs(Protocol):
    """Pairs by number, in memory or on the disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Pair: ...


class KeptPairs(Dataset[Pair]):
    """Pairs that come again and again, each time another part of them, mirrored and transposed at random.

    Args:
        pairs: the pairs, square.
        crop: side of the part in LRGB pixels, the pairs' own or less.
        seed: seed of the places and turns.
    """

    def __init__(self, pairs: Pairs, crop: int, seed: int) -> None:
        self.kept, self.crop, self.seed = pairs, crop, seed

    def __len__(self) -> int:
        return len(self.kept)

    def __getitem__(self, index: int) -> Pair:
        rng = np.random.default_rng([self.seed, 6, index])
        pair = self.kept[index % len(self.kept)]
        top, left = (int(rng.integers(length - self.crop + 1)) for length in pair.noisy.shape[-2:])
        pair = pair.cropped(top, left, self.crop)
        for _ in range(2):  # a mirror image and a transposition, twice: all eight positions
            pair = pair.turned(flip=bool(rng.uniform() < 0.5), transpose=bool(rng.uniform() < 0.5))
        return pair
