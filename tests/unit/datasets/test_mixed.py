"""Several training sets in one epoch."""

import torch
from torch.utils.data import Dataset

from darkdiff_cli.datasets.mixed import MixedPairs
from darkdiff_cli.datasets.pairs import Pair


class Numbered(Dataset[Pair]):
    """An endless set whose items tell their own index."""

    def __init__(self, name: str, length: int) -> None:
        self.name, self.length = name, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Pair:
        image = torch.full((3, 2, 2), float(index))
        return Pair(image, image, image, (f"{self.name}{index}",))


def names(mixed: MixedPairs, first: int, last: int) -> list[str]:
    return [mixed[index].names[0] for index in range(first, last)]


def test_an_epoch_holds_an_epoch_of_each_set_in_another_order_each_time() -> None:
    mixed = MixedPairs([Numbered("a", 3), Numbered("b", 5)], seed=0)
    assert len(mixed) == 8
    first, second = names(mixed, 0, 8), names(mixed, 8, 16)
    assert sorted(first) == ["a0", "a1", "a2", "b0", "b1", "b2", "b3", "b4"]
    assert sorted(second) == ["a3", "a4", "a5", "b5", "b6", "b7", "b8", "b9"]
    assert first != sorted(first)
    assert [name[0] for name in first] != [name[0] for name in second]


def test_the_same_item_is_the_same_pair() -> None:
    one, two, other = (MixedPairs([Numbered("a", 3), Numbered("b", 5)], seed) for seed in (1, 1, 2))
    assert names(one, 3, 30) == [two[index].names[0] for index in reversed(range(3, 30))][::-1]
    assert names(one, 0, 30) != names(other, 0, 30)
