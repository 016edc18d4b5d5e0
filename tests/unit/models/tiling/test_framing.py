"""The room around an image: its own mirror image, whole in size, and off again without a trace."""

import numpy as np
import pytest
import torch

from darkdiff_models.tiling.framing import MARGIN, framed, unframed


@pytest.mark.parametrize("size", [(1, 2), (5, 40), (32, 33), (100, 64)])
def test_the_frame_mirrors_the_image_to_a_multiple(size: tuple[int, int]) -> None:
    image = torch.rand(2, 3, *size)
    whole = framed(image, 32)
    grown = [side - inner for side, inner in zip(whole.shape[-2:], size, strict=True)]
    assert all(side % 32 == 0 for side in whole.shape[-2:])
    assert all(2 * MARGIN <= more < 2 * MARGIN + 32 for more in grown)
    room = [(0, 0), (0, 0), *((MARGIN, more - MARGIN) for more in grown)]
    assert np.array_equal(whole.numpy(), np.pad(image.numpy(), room, mode="reflect"))
    assert torch.equal(unframed(whole, *size), image)
