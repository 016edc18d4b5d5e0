"""From a camera's file to LRGB: reading, levels, white balance, amplification, binning (Sec. 4.1, App. A2)."""

from darkdiff_cli.raw.develop import develop, network_input
from darkdiff_cli.raw.frame import LRGB, RAW_SUFFIXES, DataFormat, LrgbSpace, RawFrame
from darkdiff_cli.raw.ratio import estimate_ratio
from darkdiff_cli.raw.reader import read_raw
from darkdiff_cli.raw.rendering import White, finish, render_reference

__all__ = [
    "LRGB",
    "RAW_SUFFIXES",
    "DataFormat",
    "LrgbSpace",
    "RawFrame",
    "White",
    "develop",
    "estimate_ratio",
    "finish",
    "network_input",
    "read_raw",
    "render_reference",
]
