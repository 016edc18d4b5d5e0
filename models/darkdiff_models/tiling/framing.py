"""Room around an image, so that the picture's border is not the networks' border."""

import torch
from torch import Tensor

MARGIN = 32  # pixels: four latents; with two, the rim of a flat dark frame strays further


def framed(image: Tensor, multiple: int) -> Tensor:
    """An image with its own mirrored surroundings, at least MARGIN pixels on every side.

    Near the border of what they are given, convolutions see zeros where the scene goes on. Mirrored noise is noise
    like the rest; repeated edge pixels would be streaks that the networks take for lines.

    Args:
        image: (..., h, w), any size.
        multiple: of which height and width become multiples; more is added below and right for that.

    Returns:
        (..., H, W), the image from pixel MARGIN on.
    """
    rows, columns = (_mirrored(side, multiple).to(image.device) for side in image.shape[-2:])
    return image[..., rows[:, None], columns]


def unframed(picture: Tensor, height: int, width: int) -> Tensor:
    """The (..., height, width) middle of a framed picture."""
    return picture[..., MARGIN : MARGIN + height, MARGIN : MARGIN + width]


def _mirrored(side: int, multiple: int) -> Tensor:
    """Which row each row of the framed image shows."""
    after = MARGIN + -(side + 2 * MARGIN) % multiple
    period = max(1, 2 * side - 2)  # there and back, the outermost rows once
    place = torch.arange(-MARGIN, side + after) % period
    return torch.minimum(place, period - place)
