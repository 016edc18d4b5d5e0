"""Make `night.jpg`, the README's picture: the sample as shot, amplified, and enhanced with the bundled model."""

import tempfile
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from PIL import Image

from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
from darkdiff_cli.photo import PhotoSettings
from darkdiff_cli.raw import ExposureSettings, develop, read_exposure
from darkdiff_cli.raw.rendering import render_linear

RATIO = 300.0


def main() -> None:
    """Write the picture beside this script."""
    here = Path(__file__).parent
    sample = here.parent / "samples" / "night_x300.dng"
    frame = read_exposure(sample, ExposureSettings()).frame
    panels = [np.rint(render_linear(develop(frame, ratio)) * 255).astype(np.uint8) for ratio in (1.0, RATIO)]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "night.tif"
        settings = EnhanceSettings(ExposureSettings(ratio=RATIO), photo=PhotoSettings("tiff"), halved=True)
        Enhancer().enhance(sample, output, settings)
        panels.append(np.asarray(iio.imread(output)))
    Image.fromarray(np.concatenate(panels, axis=1)).save(here / "night.jpg", quality=88)


if __name__ == "__main__":
    main()
