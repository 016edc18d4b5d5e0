"""Geometric self-ensemble: average the pictures of mirrored and rotated views (Lim et al., CVPRW 2017).

The pictures of two views differ by the network's own error, which the mean reduces.
"""

from collections.abc import Callable

from torch import Tensor


def mean_of_views(views: int, render: Callable[[int], Tensor]) -> Tensor:
    """Render each view, turn the pictures back, and average them.

    Args:
        views: number of views, 1 to 8; 1 is the photo as it is.
        render: number of a view -> (batch, channels, h, w) picture of the photo under `turned`.

    Returns:
        (batch, channels, h, w).
    """
    total = render(0)
    for view in range(1, views):
        total = total + turned_back(render(view), view)
    return total / views if views > 1 else total


def turned(image: Tensor, view: int) -> Tensor:
    """Apply symmetry `view`, 0 to 7, to a (batch, channels, h, w) image.

    Bit 0 mirrors, bit 2 turns upside down, bit 1 then transposes. Training crops are drawn in the first four.
    """
    image = image.flip(3) if view & 1 else image
    image = image.flip(2) if view & 4 else image
    return image.transpose(2, 3) if view & 2 else image


def turned_back(picture: Tensor, view: int) -> Tensor:
    """The inverse of `turned`."""
    picture = picture.transpose(2, 3) if view & 2 else picture
    picture = picture.flip(2) if view & 4 else picture
    return picture.flip(3) if view & 1 else picture
