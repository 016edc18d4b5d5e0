"""A mirrored margin around an image, which keeps the networks' border effects out of the picture."""

import torch
from torch import Tensor

MARGIN = 32  # pixels: four latents; with two, the border of a flat dark frame deviates more


def framed(image: Tensor, multiple: int) -> Tensor:
    """Extend an image by its mirror image, by at least MARGIN pixels on every side.

    Beyond the border, where the scene goes on, convolutions see zeros. Mirrored noise looks like the rest; repeated
    edge pixels would be streaks that the networks take for lines.

    Args:
        image: (..., h, w), any size.
        multiple: H and W are multiples of it; the rows and columns for this are added below and right.

    Returns:
        (..., H, W), with the image's first pixel at (MARGIN, MARGIN).
    """
    height, width = (side + 2 * MARGIN + -(side + 2 * MARGIN) % multiple for side in image.shape[-2:])
    return mirrored(image, MARGIN, height, width)


def mirrored(image: Tensor, before: int, height: int, width: int, side: int = 1) -> Tensor:
    """Extend an image by its mirror image, without repeating the outermost pixels.

    A Bayer mosaic goes on as one, since two photosites at the same distance from an edge's are of one colour; so does
    quad Bayer, square by square.

    Args:
        image: (..., h, w), any size; of squares, whole ones.
        before: rows above and columns to the left that are added.
        height, width: of the result; what else this takes is added below and right.
        side: of the squares of pixels that stay together, 1 or 2; it divides `before`, height and width.

    Returns:
        (..., height, width), with the image's first pixel at (before, before).
    """
    lengths = zip(image.shape[-2:], (height, width), strict=True)
    rows, columns = (_places(own, before, length, side).to(image.device) for own, length in lengths)
    return image[..., rows[:, None], columns]


def unframed(picture: Tensor, height: int, width: int) -> Tensor:
    """Cut the (..., height, width) image out of a framed picture."""
    return picture[..., MARGIN : MARGIN + height, MARGIN : MARGIN + width]


def _places(own: int, before: int, length: int, side: int) -> Tensor:
    """For each row of the extended image, the row of the image that it copies."""
    period = max(1, 2 * (own // side) - 2)  # squares down and up again
    place = torch.arange(-before, length - before)
    square, inside = (place // side) % period, place % side
    mirror = period - square < square
    return torch.where(mirror, period - square, square) * side + torch.where(mirror, side - 1 - inside, inside)
