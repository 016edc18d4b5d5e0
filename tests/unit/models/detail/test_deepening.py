import pytest
import torch

from darkdiff_models.detail import Detail
from darkdiff_models.detail.deepening import deepened
from tests.unit.models.detail.test_network import bayer, learnt


def test_a_deeper_network_makes_the_same_picture() -> None:
    old, half, seen = learnt(), torch.rand(1, 3, 16, 32), bayer(32, 64, torch.rand(3, 32, 64))
    new = deepened(old, (3, 2)).eval()
    assert tuple(new.config["blocks"]) == (3, 2)
    assert [len(chain) for chain in (*new.down, *new.up)] == [3, 2, 3]
    with torch.no_grad():
        assert torch.equal(new(half, seen), old(half, seen))
        new.up[0][2].conv2.weight += 0.1
        assert not torch.equal(new(half, seen), old(half, seen))


@pytest.mark.parametrize("blocks", [(1,), (1, 1, 1), (0, 1), (2, 0)])
def test_what_would_lose_blocks_is_refused(blocks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"of \(1, 1\) blocks cannot be deepened"):
        deepened(Detail((8, 16), (1, 1)), blocks)
