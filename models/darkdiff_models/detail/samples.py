"""What a sensor saw, in the form that serves every colour filter: sparse colours, a mask, and the noise."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from darkdiff_models.finishing.block_light import decode_curve, encode_curve
from darkdiff_models.networks.precision import exact


@dataclass(frozen=True)
class Samples:
    """The mosaic of one image or a batch, amplified and white-balanced, in the sensor's primaries.

    Attributes:
        colours: (batch, 3, h, w) linear light, 1 = saturation; 0 where a photosite saw another colour. Negative noise
            is kept.
        mask: (batch, 3, h, w), 1 where a photosite saw the colour, else 0.
        noise: (batch, 3, 2) variance of the noise of each colour, gain * light + read variance: the gain and the read
            variance, in units of `colours`.
        srgb_from_camera: (batch, 3, 3) from the sensor's primaries to linear sRGB.
        share: (batch, 1, h, w) how many times that variance there is at each place, where it differs over the image: in
            a stack, some places were seen by fewer frames.
    """

    colours: Tensor
    mask: Tensor
    noise: Tensor
    srgb_from_camera: Tensor
    share: Tensor | None = None

    @classmethod
    def of_arrays(
        cls,
        colours: NDArray[np.float32],
        mask: NDArray[np.float32],
        noise: NDArray[np.floating],
        srgb_from_camera: NDArray[np.floating],
        share: NDArray[np.floating] | None = None,
    ) -> "Samples":
        """A batch of one from arrays without the batch's dimension."""
        arrays = (colours, mask, noise, srgb_from_camera, *(() if share is None else (share,)))
        return cls(*(torch.from_numpy(np.asarray(array, dtype=np.float32))[None] for array in arrays))

    def each(self, change: Callable[[Tensor], Tensor]) -> "Samples":
        """The same with every tensor changed."""
        fixed = {"noise": change(self.noise), "srgb_from_camera": change(self.srgb_from_camera)}
        return replace(self.images(change), **fixed)

    def images(self, change: Callable[[Tensor], Tensor]) -> "Samples":
        """The same with what has the image's size changed: cropped or turned."""
        share = None if self.share is None else change(self.share)
        return replace(self, colours=change(self.colours), mask=change(self.mask), share=share)

    @property
    def in_squares(self) -> Tensor:
        """(batch,) whether the mosaic is of squares of 2x2 photosites of one colour, the first at its corner."""
        alike = F.max_pool2d(self.mask, 2) == F.avg_pool2d(self.mask, 2)
        return alike.flatten(1).all(dim=1)

    def of_squares(self) -> "Samples":
        """Each square of 2x2 photosites of one colour joined to one photosite, which has half their noise."""
        share = None if self.share is None else F.avg_pool2d(self.share, 2)
        colours, mask = (F.avg_pool2d(part, 2) for part in (self.colours, self.mask))
        return replace(self, colours=colours, mask=mask, noise=self.noise / 4, share=share)

    def half_light(self, srgb: Tensor) -> Tensor:
        """(batch, 3, h, w) sRGB -> linear light in the sensor's primaries."""
        return transformed(torch.linalg.inv(self.srgb_from_camera.float()), decode_curve(srgb.float().clamp(0, 1)))

    def srgb(self, light: Tensor) -> Tensor:
        """(batch, 3, h, w) linear light in the sensor's primaries -> sRGB, not clipped above 1, 0 or more."""
        return encode_curve(transformed(self.srgb_from_camera.float(), light.float()))

    def deviation(self, light: Tensor) -> Tensor:
        """(batch, 3, h, w) standard deviation of a photosite's noise, by colour, where there is this much light."""
        gain, read = (self.noise[..., index, None, None] for index in (0, 1))
        variance = gain * light.clamp_min(0) + read
        if self.share is not None:
            variance = variance * F.interpolate(self.share, size=light.shape[-2:], mode="area")
        return variance.sqrt()


def transformed(matrix: Tensor, image: Tensor) -> Tensor:
    """(batch, 3, 3) applied to the channels of (batch, 3, h, w), both float32."""
    # Mixed precision would round the picture's light to the 8 bits of bfloat16.
    with exact(image.device):
        return torch.einsum("bij,bjhw->bihw", matrix, image)


def root(light: Tensor) -> Tensor:
    """The signed square root, under which shot noise has about the same size everywhere."""
    return light.sign() * (light.abs() + 1e-8).sqrt()


def squared(value: Tensor) -> Tensor:
    """The inverse of `root`."""
    return value * value.abs()


def halved(srgb: Tensor) -> Tensor:
    """(batch, 3, H, W) sRGB -> (batch, 3, H // 2, W // 2), the means of 2x2 pixels in linear light."""
    return encode_curve(F.avg_pool2d(decode_curve(srgb.clamp(0, 1)), 2))


def enlarged(image: Tensor) -> Tensor:
    """(batch, channels, h, w) at twice the size, bicubic: pixel (i, j) covers the sensor's quad there."""
    return F.interpolate(image, scale_factor=2, mode="bicubic", align_corners=False)
