"""Several training sets as one, such as "both SID and LRD" (App. A2)."""

from bisect import bisect_right
from collections.abc import Sequence, Sized
from functools import lru_cache
from itertools import accumulate
from typing import cast

import numpy as np
from torch.utils.data import Dataset

from darkdiff_cli.datasets.pairs import Pair


class MixedPairs(Dataset[Pair]):
    """An endless set made of several: an epoch holds one epoch of each, in a random order.

    Item i is the same pair on every worker, run and machine.

    Args:
        sets: each with a length, the items of its epoch.
        seed: seed of the order.
    """

    def __init__(self, sets: Sequence[Dataset[Pair]], seed: int) -> None:
        self.sets, self.seed = list(sets), seed
        self.ends = list(accumulate(len(cast(Sized, one)) for one in self.sets))

    def __len__(self) -> int:
        return self.ends[-1]

    def __getitem__(self, index: int) -> Pair:
        epoch, place = divmod(index, len(self))
        slot = _order(self.seed, epoch, len(self))[place]
        which = bisect_right(self.ends, slot)
        first = self.ends[which - 1] if which > 0 else 0
        pair: Pair = self.sets[which][epoch * (self.ends[which] - first) + slot - first]
        return pair


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> tuple[int, ...]:
    return tuple(np.random.default_rng([seed, 6, epoch]).permutation(count).tolist())
