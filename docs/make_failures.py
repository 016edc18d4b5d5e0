"""Make `failures.jpg`, the model card's picture of what the bundled model does badly, on charts made by code."""

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
from darkdiff_cli.evaluation.sample import night_scene, write_dark
from darkdiff_cli.raw import ExposureSettings, read_exposure
from darkdiff_cli.raw.libraw_rendering import render_amplified

SIZE = (240, 320)  # photosites, each a pixel of the chart
Picture = NDArray[np.float32]


def small_print() -> Picture:
    """Lines of text from 28 down to 8 pixels, black on grey paper."""
    image = Image.new("RGB", SIZE[::-1], (110, 105, 96))
    draw, top = ImageDraw.Draw(image), 6
    for size in (28, 22, 18, 15, 13, 11, 9, 8):
        draw.text((8, top), "No parking 22-6 h, towed away", fill=(25, 22, 20), font=ImageFont.load_default(size))
        top += int(size * 1.45)
    return np.asarray(image, dtype=np.float32) / 255


def railings() -> Picture:
    """Stripes 2 to 8 pixels wide, of falling contrast from top to bottom."""
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]].astype(np.float32)
    width = np.repeat((2, 3, 4, 6, 8), SIZE[1] // 5)[None, :]
    contrast = 0.22 - 0.2 * (y // 60) / 4
    grey = 0.32 + contrast * np.where((x // width) % 2 == 0, 1, -1)
    return np.repeat(grey[..., None], 3, axis=2).astype(np.float32)


def dark_wall() -> Picture:
    """Flat patches of six colours, sRGB 0.04 to 0.2."""
    rows = np.linspace(0.2, 0.04, 4, dtype=np.float32)
    tints = np.array([(1, 1, 1), (1, 0.6, 0.5), (0.6, 1, 0.6), (0.55, 0.65, 1)], dtype=np.float32)
    patches = rows[:, None, None] * tints[None]
    return np.repeat(np.repeat(patches, SIZE[0] // 4, axis=0), SIZE[1] // 4, axis=1)


def too_dark() -> Picture:
    """The night scene, for a ratio far beyond training."""
    return night_scene()[200 : 200 + SIZE[0], 80 : 80 + SIZE[1]]


CHARTS = ((small_print, 300.0), (railings, 300.0), (dark_wall, 300.0), (too_dark, 1500.0))


def main() -> None:
    """Write the picture beside this script: the charts, amplified, and enhanced, one below the other."""
    enhancer, columns = Enhancer(), []
    with tempfile.TemporaryDirectory() as folder:
        for chart, ratio in CHARTS:
            raw, truth = Path(folder) / f"{chart.__name__}.dng", chart()
            write_dark(raw, truth, ratio)
            exposure = read_exposure(raw, ExposureSettings(ratio=ratio))
            enhanced = enhancer.render(exposure, EnhanceSettings()).srgb_01
            columns.append(np.concatenate([truth, render_amplified(exposure.frame, ratio), enhanced], axis=0))
    page = np.rint(np.clip(np.concatenate(columns, axis=1), 0, 1) * 255).astype(np.uint8)
    Image.fromarray(page).save(Path(__file__).parent / "failures.jpg", quality=88)


if __name__ == "__main__":
    main()
