"""Random drawings: flat colours with hard edges, gradients and lettering, like charts, signs and screens.

Photographs hold few of these. A network trained on photographs alone gives such edges a rim of another colour.
"""

import string
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from darkdiff_cli.datasets.darken import log_uniform

EMPTY_SHARE = 0.3  # share of drawings without shapes: a bare wall, a clear sky
MAX_SHAPES = 40
MIN_SIDE = 3.0  # pixels
LETTERS = list(string.ascii_letters + string.digits)
SUPERSAMPLING = 4  # factor for drawings with soft edges

Colour = tuple[int, int, int]


def drawn(size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A square drawing: a background and shapes in random flat colours.

    Args:
        size: side in pixels.
        rng: source of randomness.

    Returns:
        (size, size, 3) sRGB in [0, 1]; edges are hard to the pixel in half of the drawings, smooth in the others.
    """
    scale = SUPERSAMPLING if rng.uniform() < 0.5 else 1
    picture = Image.fromarray(_background(size, rng)).resize((size * scale, size * scale), Image.Resampling.BILINEAR)
    if rng.uniform() >= EMPTY_SHARE:
        canvas, kinds = ImageDraw.Draw(picture), (_polygon, _ellipse, _line, _grid, _word)
        for _ in range(round(log_uniform((1, MAX_SHAPES), rng))):
            kinds[int(rng.integers(len(kinds)))](canvas, size * scale, MIN_SIDE * scale, rng)
    return np.asarray(picture.reduce(scale), dtype=np.float32) / np.float32(255.0)


def _background(size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One colour, or in half of the cases a gradient between two in any direction."""
    first, last = np.array(_colour(rng)), np.array(_colour(rng))
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-0.5 : 0.5 : size * 1j, -0.5 : 0.5 : size * 1j]
    along = 0.5 + (np.cos(angle) * x + np.sin(angle) * y) / np.sqrt(2.0)
    share = along[..., None] if rng.uniform() < 0.5 else np.zeros((size, size, 1))
    return np.round(first + share * (last - first)).astype(np.uint8)


def _colour(rng: np.random.Generator) -> Colour:
    """A random colour, grey to saturated and dark to bright."""
    level, tint = rng.uniform(0, 255), rng.uniform(-255, 255, size=3) * rng.uniform() ** 2
    red, green, blue = np.clip(level + tint, 0, 255).astype(int).tolist()
    return red, green, blue


def _polygon(canvas: ImageDraw.ImageDraw, size: int, min_side: float, rng: np.random.Generator) -> None:
    """Three to six corners around a centre; four make a rectangle, upright in half of the cases."""
    corners, centre = int(rng.integers(3, 7)), rng.uniform(0, size, size=2)
    half = np.array([_side(size, min_side, rng), _side(size, min_side, rng)]) / 2
    turns = (np.arange(corners) + 0.5) * 2 * np.pi / corners
    points = np.stack([np.cos(turns), np.sin(turns)], axis=1) * half * np.sqrt(2.0)
    angle = 0.0 if corners == 4 and rng.uniform() < 0.5 else rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    canvas.polygon([(x, y) for x, y in (points @ turn.T + centre).tolist()], fill=_colour(rng))


def _ellipse(canvas: ImageDraw.ImageDraw, size: int, min_side: float, rng: np.random.Generator) -> None:
    x, y = rng.uniform(0, size, size=2).tolist()
    wide, high = _side(size, min_side, rng) / 2, _side(size, min_side, rng) / 2
    canvas.ellipse((x - wide, y - high, x + wide, y + high), fill=_colour(rng))


def _line(canvas: ImageDraw.ImageDraw, size: int, min_side: float, rng: np.random.Generator) -> None:
    x0, y0, x1, y1 = rng.uniform(0, size, size=4).tolist()
    canvas.line((x0, y0, x1, y1), fill=_colour(rng), width=round(min_side * rng.uniform(0.4, 4.0)))


def _grid(canvas: ImageDraw.ImageDraw, size: int, min_side: float, rng: np.random.Generator) -> None:
    """Rows of equal boxes: windows in one colour, or a chart in many."""
    left, top = rng.uniform(-0.2 * size, 0.8 * size, size=2).tolist()
    wide, high = (_side(0.5 * size, 2 * min_side, rng) for _ in range(2))
    gap, windows = rng.uniform(0.02, 0.6), _colour(rng) if rng.uniform() < 0.5 else None
    for row in range(int(rng.integers(1, 6))):
        for column in range(int(rng.integers(1, 8))):
            x, y = left + column * wide * (1 + gap), top + row * high * (1 + gap)
            canvas.rectangle((x, y, x + wide, y + high), fill=windows or _colour(rng))


def _word(canvas: ImageDraw.ImageDraw, size: int, min_side: float, rng: np.random.Generator) -> None:
    height = int(log_uniform((2 * min_side, max(0.3 * size, 3 * min_side)), rng))
    text = "".join(rng.choice(LETTERS, size=int(rng.integers(1, 12))))
    x, y = rng.uniform(-0.1 * size, 0.9 * size, size=2).tolist()
    canvas.text((x, y), text, fill=_colour(rng), font=_font(height))


@lru_cache(maxsize=64)
def _font(height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=height)


def _side(size: float, min_side: float, rng: np.random.Generator) -> float:
    """A random side in pixels, log-uniform."""
    return log_uniform((min_side, max(0.8 * size, 2 * min_side)), rng)
