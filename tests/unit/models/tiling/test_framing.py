"""The room around an image: its own mirror image, whole in size, and off again without a trace."""

import numpy as np
import pytest
import torch

from darkdiff_models.tiling.framing import MARGIN, framed, mirrored, unframed


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


@pytest.mark.parametrize("size", [(2, 4), (6, 10), (12, 8)])
def test_squares_are_mirrored_as_squares(size: tuple[int, int]) -> None:
    """As an image of squares would be, and each of them turned over."""
    image = torch.rand(1, *size)
    corners = image[:, ::2, ::2], image[:, ::2, 1::2], image[:, 1::2, ::2], image[:, 1::2, 1::2]
    whole = mirrored(image, 4, 24, 28, side=2)
    assert torch.equal(whole[:, 4 : 4 + size[0], 4 : 4 + size[1]], image)
    found = whole.unfold(1, 2, 2).unfold(2, 2, 2).flatten(3).sort(dim=3).values
    squares = torch.stack([mirrored(corner, 2, 12, 14) for corner in corners], dim=3).sort(dim=3).values
    assert torch.equal(found, squares)
    if min(size) > 2:
        assert torch.equal(whole[:, 2:4].flip(1), whole[:, 6:8])


def test_a_quad_bayer_mosaic_goes_on_beyond_its_edges() -> None:
    rows, columns = torch.arange(20) // 2 % 2, torch.arange(12) // 2 % 2
    red = (1 - rows)[:, None] * (1 - columns)
    whole = mirrored(red, 8, 48, 40, side=2)
    expected = (1 - (torch.arange(-8, 40) // 2 % 2))[:, None] * (1 - (torch.arange(-8, 32) // 2 % 2))
    assert torch.equal(whole, expected)
