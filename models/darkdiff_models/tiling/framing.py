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
    rows, columns = (_mirrored(side, multiple).to(image.device) for side in image.shape[-2:])
    return image[..., rows[:, None], columns]


def unframed(picture: Tensor, height: int, width: int) -> Tensor:
    """Cut the (..., height, width) image out of a framed picture."""
    return picture[..., MARGIN : MARGIN + height, MARGIN : MARGIN + width]


def _mirrored(side: int, multiple: int) -> Tensor:
    """For each row of the framed image, the row of the image that it copies."""
    after = MARGIN + -(side + 2 * MARGIN) % multiple
    period = max(1, 2 * side - 2)  # down and up again, without repeating the outermost rows
    place = torch.arange(-MARGIN, side + after) % period
    return torch.minimum(place, period - place)
