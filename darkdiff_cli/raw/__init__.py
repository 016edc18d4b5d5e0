"""From a camera's file to LRGB: reading, levels, white balance, amplification, binning (Sec. 4.1, App. A2)."""

from darkdiff_cli.raw.exposure import estimate_ratio
from darkdiff_cli.raw.frame import LRGB, LrgbSpace, RawFrame
from darkdiff_cli.raw.frontend import develop
from darkdiff_cli.raw.reader import read_raw
from darkdiff_cli.raw.rendering import render_reference

__all__ = [
    "LRGB",
    "LrgbSpace",
    "RawFrame",
    "develop",
    "estimate_ratio",
    "read_raw",
    "render_reference",
]
