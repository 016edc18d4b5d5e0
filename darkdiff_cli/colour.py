"""The sRGB transfer curve (IEC 61966-2-1), and matrices between sRGB and camera values."""

import numpy as np
from numpy.typing import NDArray

# Linear sRGB (D65) to CIE XYZ, IEC 61966-2-1 as LibRaw rounds it, so that our colours equal LibRaw's.
XYZ_FROM_SRGB = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]],
    dtype=np.float64,
)

LUMINANCE_WEIGHTS = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)


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
