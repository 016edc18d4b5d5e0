"""A photo seen mirrored and turned, whose pictures are averaged (geometric self-ensemble: Lim et al., CVPRW 2017).

What a network makes of a photo and of its mirror image differs by the network's own error, half of whose variance goes
with every second view.
"""

from collections.abc import Callable

from torch import Tensor

MOST = 8  # the symmetries of a square


def mean_of_views(views: int, show: Callable[[int], Tensor]) -> Tensor:
    """The mean of what is shown of each view, turned back.

    Args:
        views: how many, 1 being the photo as it is.
        show: number of a view -> (batch, channels, h, w) picture of what `turned` makes of the photo.

    Raises:
        ValueError: there are no so many views.
    """
    if not 1 <= views <= MOST:
        raise ValueError(f"views must be from 1 to {MOST}, got {views}")
    total = show(0)
    for view in range(1, views):
        total = total + turned_back(show(view), view)
    return total / views if views > 1 else total


def turned(image: Tensor, view: int) -> Tensor:
    """(batch, channels, h, w), mirrored where the view's first bit is set, upside down at the third, then transposed at
    the second: the first four are how crops are drawn in training."""
    image = image.flip(3) if view & 1 else image
    image = image.flip(2) if view & 4 else image
    return image.transpose(2, 3) if view & 2 else image


def turned_back(picture: Tensor, view: int) -> Tensor:
    """The inverse of `turned`."""
    picture = picture.transpose(2, 3) if view & 2 else picture
    picture = picture.flip(2) if view & 4 else picture
    return picture.flip(3) if view & 1 else picture
