"""Turn a finished photograph back into the linear mosaic of a camera (after Brooks et al., CVPR 2019)."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import camera_from_srgb, srgb_decode

# XYZ (D65) -> camera, times 10000: Adobe's published calibrations as LibRaw's and dcraw's tables carry them.
CAMERA_MATRICES = {
    "Sony ILCE-7SM2": (5838, -1430, -246, -3497, 11477, 2297, -748, 1885, 5778),
    "Sony ILCE-7M3": (7374, -2389, -551, -5435, 13162, 2519, -1006, 1795, 6552),
    "Canon EOS 5D Mark IV": (6446, -366, -864, -4436, 12204, 2513, -952, 2496, 6348),
    "Canon EOS 700D": (6602, -841, -939, -4472, 12458, 2247, -975, 2039, 6148),
    "Canon EOS 70D": (7034, -804, -1014, -4420, 12564, 2058, -851, 1994, 5758),
    "Nikon D850": (10405, -3755, -1270, -5461, 13787, 1793, -1040, 2015, 6785),
    "Nikon D750": (9020, -2890, -715, -4535, 12436, 2348, -934, 1919, 7086),
}
XTRANS = Cfa(("GGRGGB", "GGBGGR", "BRGRBG", "GGBGGR", "GGRGGB", "RBGBRG"))
"""Fujifilm's 6x6 colour filter."""
QUAD_BAYER = Cfa(("RRGG", "RRGG", "GGBB", "GGBB"))
"""Squares of four photosites in Bayer order, as telephones have them."""
RED_GAIN, BLUE_GAIN = (1.2, 2.8), (1.2, 2.9)  # as-shot multipliers from candle light to shade, green = 1


@dataclass(frozen=True)
class Sensor:
    """Colours and levels of a sensor, at 14 bit (the calibrations' scale).

    Attributes:
        camera_from_xyz: (3, 3) CIE XYZ (D65) to camera.
        white_balance: multipliers of red, green, blue, green being 1.
        black, white: levels in DN.
        cfa: the colour filter.
    """

    camera_from_xyz: NDArray[np.float64]
    white_balance: tuple[float, float, float]
    black: float = 512.0
    white: float = 16383.0
    cfa: Cfa = field(default_factory=lambda: Cfa.bayer("RGGB"))


def random_sensor(rng: np.random.Generator) -> Sensor:
    """Draw a sensor: a random mixture of two published camera matrices and an as-shot white balance."""
    first, second = rng.choice(len(CAMERA_MATRICES), size=2)
    matrices = list(CAMERA_MATRICES.values())
    share = rng.uniform()
    matrix = share * np.array(matrices[first]) + (1 - share) * np.array(matrices[second])
    red, blue = (float(np.exp(rng.uniform(*np.log(span)))) for span in (RED_GAIN, BLUE_GAIN))
    return Sensor(camera_from_xyz=matrix.reshape(3, 3) / 10_000.0, white_balance=(red, 1.0, blue))


def with_random_filter(
    sensor: Sensor, rng: np.random.Generator, xtrans_share: float, quad_share: float = 0.0
) -> Sensor:
    """The sensor with a colour filter that begins at a random site, or square: X-Trans, quad Bayer, else Bayer.

    Args:
        sensor: its filter does not count.
        rng: source of randomness.
        xtrans_share, quad_share: probabilities.
    """
    drawn = rng.uniform()
    cfa = XTRANS if drawn < xtrans_share else QUAD_BAYER if drawn < xtrans_share + quad_share else Cfa.bayer("RGGB")
    side = 1 if cfa.squares is None else cfa.squares.side  # a frame begins with whole squares
    return replace(sensor, cfa=cfa.seen_from(*(side * int(rng.integers(length // side)) for length in cfa.period)))


def sensor_light(linear: NDArray[np.floating], sensor: Sensor) -> NDArray[np.float32]:
    """(h, w, 3) linear sRGB -> what each colour of the sensor would count there, 1 = saturation, clipped to [0, 1]."""
    camera = linear @ camera_from_srgb(sensor.camera_from_xyz).T.astype(np.float32)
    return np.asarray(np.clip(camera / np.array(sensor.white_balance, dtype=np.float32), 0.0, 1.0), dtype=np.float32)


def mosaic_of(light: NDArray[np.float32], cfa: Cfa, black: float, white: float) -> NDArray[np.float32]:
    """One colour at each photosite, as a camera has it: (h, w, 3) light, 1 = saturation -> (h, w) noise-free DN."""
    mosaic = np.empty(light.shape[:2], dtype=np.float32)
    for site in cfa.sites:
        cfa.plane(mosaic, site)[:] = cfa.plane(light[..., site.colour], site)
    return np.asarray(mosaic * np.float32(white - black) + np.float32(black), dtype=np.float32)


def unprocess(srgb_01: NDArray[np.floating], sensor: Sensor, exposure: float = 1.0) -> NDArray[np.float32]:
    """Undo the reference ISP: curve, camera matrix, white balance, and one Bayer quad for every pixel.

    All sites of a quad see the same point, so that LRGB is the photograph again; sites of a camera lie apart, see
    `mosaic_of`.

    Args:
        srgb_01: (h, w, 3) photograph, sRGB in [0, 1].
        sensor: the camera to simulate.
        exposure: factor on the linear light, before saturation.

    Returns:
        (2h, 2w) float32 noise-free mosaic in DN, black level included, saturated at white.
    """
    light = sensor_light(srgb_decode(srgb_01) * np.float32(exposure), sensor)
    return mosaic_of(light.repeat(2, axis=0).repeat(2, axis=1), sensor.cfa, sensor.black, sensor.white)
