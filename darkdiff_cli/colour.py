"""The sRGB transfer curve (IEC 61966-2-1), matrices between sRGB and camera values, and the colours of lamps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Linear sRGB (D65) to CIE XYZ, IEC 61966-2-1 as LibRaw rounds it, so that our colours equal LibRaw's.
XYZ_FROM_SRGB = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]],
    dtype=np.float64,
)

DAYLIGHT_KELVIN, TUNGSTEN_KELVIN = 6504.0, 2856.0  # D65, LibRaw's daylight; CIE illuminant A
COLDEST_LIGHT, WARMEST_LIGHT = 25_000.0, 1667.0  # kelvin, the range of the two loci below
PLANCKIAN_BELOW = 4000.0  # kelvin, where the locus of daylight begins

LUMINANCE_WEIGHTS = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)


@dataclass(frozen=True)
class CameraColours:
    """How a camera sees colours: the way from linear sRGB back to what its sensor counts.

    Attributes:
        srgb_from_camera: (3, 3) white-balanced camera values to linear sRGB; each row sums to one.
        white_balance: multipliers of red, green, blue for the light of the shot, the smallest one 1.
        daylight: the same for D65.
        dng_tags: what a DNG itself says of its camera's colours, (TIFF type, value as tifffile gives it) by tag; empty
            of another file.
    """

    srgb_from_camera: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    daylight: tuple[float, float, float] = (1.0, 1.0, 1.0)
    dng_tags: Mapping[int, tuple[int, Any]] = field(default_factory=dict)

    @property
    def sensor_from_srgb(self) -> NDArray[np.float64]:
        """(3, 3) linear sRGB, white-balanced, to what the sensor counted in the light of the shot."""
        return np.asarray(np.linalg.inv(self.srgb_from_camera) / np.array(self.white_balance)[:, None])

    @property
    def sensor_from_xyz(self) -> NDArray[np.float64]:
        """(3, 3) CIE XYZ (D65) to what the sensor counts: DNG's ColorMatrix."""
        return np.asarray(np.linalg.inv(XYZ_FROM_SRGB @ self.srgb_from_camera) / np.array(self.daylight)[:, None])


def srgb_encode(linear: NDArray[np.floating]) -> NDArray[np.float32]:
    """Apply the sRGB curve: linear light -> display values.

    Args:
        linear: any shape, linear sRGB; clipped to [0, 1] first.

    Returns:
        float32 of the same shape in [0, 1]. 0.18 becomes 0.46136 (IEC 61966-2-1).
    """
    x = np.clip(linear, 0.0, 1.0).astype(np.float32)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.power(x, 1 / 2.4, dtype=np.float32) - 0.055).astype(
        np.float32
    )


def srgb_decode(srgb_01: NDArray[np.floating]) -> NDArray[np.float32]:
    """Undo the sRGB curve: display values in [0, 1] -> linear light in [0, 1], float32, same shape."""
    x = np.clip(srgb_01, 0.0, 1.0).astype(np.float32)
    return np.where(x <= 0.04045, x / 12.92, np.power((x + 0.055) / 1.055, 2.4, dtype=np.float32)).astype(np.float32)


def camera_from_srgb(camera_from_xyz: NDArray[np.floating]) -> NDArray[np.float64]:
    """Matrix from linear sRGB to white-balanced camera values; its rows sum to one, so that white stays white.

    Args:
        camera_from_xyz: (3, 3) matrix, CIE XYZ (D65) to camera, as DNG's ColorMatrix and LibRaw's table give it.

    Returns:
        (3, 3) float64 matrix. This is dcraw's convention.

    Raises:
        ValueError: a row of the product sums to zero, so the matrix describes no camera.
    """
    matrix = np.asarray(camera_from_xyz, dtype=np.float64) @ XYZ_FROM_SRGB
    sums = matrix.sum(axis=1, keepdims=True)
    if np.any(np.abs(sums) < 1e-6):
        raise ValueError("a row of the camera matrix sums to zero")
    return np.asarray(matrix / sums)


def srgb_from_camera(camera_from_xyz: NDArray[np.floating]) -> NDArray[np.float64]:
    """Matrix from white-balanced camera values to linear sRGB: the inverse of `camera_from_srgb`, same arguments."""
    return np.asarray(np.linalg.inv(camera_from_srgb(camera_from_xyz)))


def illuminant_xyz(kelvin: float) -> NDArray[np.float64]:
    """The colour of a light by its temperature: a phase of daylight, or a glowing body below 4000 K.

    Args:
        kelvin: correlated colour temperature, 1667 to 25000.

    Returns:
        (3,) CIE XYZ with Y = 1. Daylight is CIE 15's; the Planckian locus is the cubic of Kang et al. (J. Korean Phys.
        Soc. 41, 2002).

    Raises:
        ValueError: the temperature is out of range.
    """
    if not WARMEST_LIGHT <= kelvin <= COLDEST_LIGHT:
        raise ValueError(f"a light must have {WARMEST_LIGHT:g} to {COLDEST_LIGHT:g} K, got {kelvin:g}")
    powers = (1000 / kelvin) ** np.arange(4)
    if kelvin >= PLANCKIAN_BELOW:
        row = (0.244063, 0.09911, 2.9678, -4.6070) if kelvin <= 7000 else (0.237040, 0.24748, 1.9018, -2.0064)
        x = float(powers @ row)
        y = -3.0 * x**2 + 2.870 * x - 0.275
    else:
        x = float(powers @ (0.179910, 0.8776956, -0.2343589, -0.2661239))
        warm = (-0.20219683, 2.18555832, -1.34811020, -1.1063814)
        row = warm if kelvin <= 2222 else (-0.16748867, 2.09137015, -1.37418593, -0.9549476)
        y = float(x ** np.arange(4) @ row)
    return np.array([x / y, 1.0, (1 - x - y) / y])
