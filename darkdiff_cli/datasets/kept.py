"""A limited number of pairs, made once and kept in memory: where making them takes longer than training on them."""

from collections.abc import Sequence

import numpy as np
from torch.utils.data import Dataset

from darkdiff_cli.datasets.pairs import Pair


class KeptPairs(Dataset[Pair]):
    """Pairs that come again and again, each time mirrored and transposed at random.

    Args:
        pairs: the pairs, square.
        seed: seed of the turns.
    """

    def __init__(self, pairs: Sequence[Pair], seed: int) -> None:
        self.kept, self.seed = pairs, seed

    def __len__(self) -> int:
        return len(self.kept)

    def __getitem__(self, index: int) -> Pair:
        rng = np.random.default_rng([self.seed, 6, index])
        pair = self.kept[index % len(self.kept)]
        for _ in range(2):  # a mirror image and a transposition, twice: all eight positions
            pair = pair.turned(flip=bool(rng.uniform() < 0.5), transpose=bool(rng.uniform() < 0.5))
        return pair
