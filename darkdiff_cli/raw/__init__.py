"""From a camera's file to LRGB: reading, corrections, ratio, white balance, binning (Sec. 4.1, App. A2)."""

from darkdiff_cli.raw.corrections import corrected
from darkdiff_cli.raw.develop import develop, network_input
from darkdiff_cli.raw.exposure import Exposure, read_exposure, read_exposures
from darkdiff_cli.raw.frame import LRGB, RAW_SUFFIXES, DataFormat, LrgbSpace, RawFrame
from darkdiff_cli.raw.libraw_rendering import render_reference
from darkdiff_cli.raw.ratio import estimate_ratio
from darkdiff_cli.raw.reader import read_raw
from darkdiff_cli.raw.rendering import finish
from darkdiff_cli.raw.settings import ExposureSettings, HotPixels, LineNoise, PictureSize, White

__all__ = [
    "LRGB",
    "RAW_SUFFIXES",
    "DataFormat",
    "Exposure",
    "ExposureSettings",
    "HotPixels",
    "LineNoise",
    "LrgbSpace",
    "PictureSize",
    "RawFrame",
    "White",
    "corrected",
    "develop",
    "estimate_ratio",
    "finish",
    "network_input",
    "read_exposure",
    "read_exposures",
    "read_raw",
    "render_reference",
]
