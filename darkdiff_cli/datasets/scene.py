"""A scene whose light is known at every photosite: what a sensor sees of it, darkened, beside what it should show."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import srgb_encode
from darkdiff_cli.datasets.darken import BLACK, WHITE, SynthesisSettings, darken
from darkdiff_cli.datasets.full_size import full_size
from darkdiff_cli.datasets.pairs import Pair, make_pair
from darkdiff_cli.raw import DataFormat, LrgbSpace, RawFrame
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.resizing import halved
from darkdiff_cli.synthesis import mosaic_of

Image = NDArray[np.float32]


@dataclass(frozen=True)
class Camera:
    """What a sensor makes of light.

    Attributes:
        cfa: its colour filter.
        white_balance: multipliers of red, green, blue.
        srgb_from_camera: (3, 3) from white-balanced camera values to linear sRGB; None where nobody knows it.
    """

    cfa: Cfa
    white_balance: tuple[float, float, float]
    srgb_from_camera: NDArray[np.float64] | None

    def frame(self, light: Image) -> RawFrame:
        """The noise-free 14-bit raw of (H, W, 3) light of each colour, 1 = saturation: one colour at each site."""
        mosaic = mosaic_of(light, self.cfa, BLACK, WHITE)
        return RawFrame(mosaic, self.cfa, BlackLevel.uniform(BLACK), WHITE, self.white_balance, self.srgb_from_camera)

    def rendered(self, light: Image) -> Image:
        """(H, W, 3) light of each colour -> linear sRGB in [0, 1] of a perfect picture of it."""
        balanced = np.minimum(light * np.array(self.white_balance, dtype=np.float32), np.float32(1.0))
        if self.srgb_from_camera is not None:
            balanced = balanced @ self.srgb_from_camera.T.astype(np.float32)
        return np.clip(balanced, 0.0, 1.0)


@dataclass(frozen=True)
class Form:
    """In which form a pair is wanted.

    Attributes:
        lrgb_space: primaries of the LRGB images.
        data_format: input and output of the network.
        full_size: pairs also hold the mosaic and the truth at the sensor's size.
        register_colours: of LRGB (`develop`), as for a model that makes full size; else as binning leaves them.
    """

    lrgb_space: LrgbSpace = "srgb"
    data_format: DataFormat = "lrgb-srgb"
    full_size: bool = False
    register_colours: bool = True


LRGB = Form()
"""The bundled model's."""


def pair_of_scene(
    seen: Image,
    light: Image,
    camera: Camera,
    settings: SynthesisSettings,
    rng: np.random.Generator,
    name: str,
    form: Form,
) -> Pair:
    """Darken a scene into a training pair.

    Args:
        seen: (2h, 2w, 3) light of each of the sensor's colours behind the lens, 1 = saturation.
        light: the same without the lens's fringes: what the picture should show. Its blur stays: undoing it would be
            sharpening by a guess.
        camera: that looks at it.
        settings: how it is darkened.
        rng: source of randomness.
        name: for error messages.
        form: what the pair holds; LRGB is (3, h, w), and its target the means of 2x2 pixels in linear light.
    """
    clean, truth = camera.frame(seen), camera.rendered(light)
    dark, ratio, noise = darken(clean, settings, rng)
    name = f"{name} x{ratio:.0f}"
    pair = make_pair(dark, ratio, clean, name, form.lrgb_space, form.data_format, halved(truth), form.register_colours)
    if not form.full_size:
        return pair
    return replace(pair, full=full_size(dark, ratio, noise, srgb_encode(truth), rng))
