"""Pairs of (noisy LRGB, clean LRGB, clean sRGB), through the same front end that `enhance` uses."""

from darkdiff_cli.datasets.pairs import Pair, collate
from darkdiff_cli.datasets.photos import PhotoPairs

__all__ = ["Pair", "PhotoPairs", "collate"]
