"""Pairs of a dark and a clean exposure, developed as `enhance` does."""

from darkdiff_cli.datasets.cache import MosaicCache
from darkdiff_cli.datasets.darken import SynthesisSettings
from darkdiff_cli.datasets.pairs import FullSize, Pair, collate
from darkdiff_cli.datasets.photos import PhotoPairs
from darkdiff_cli.datasets.rawpairs import RawPair, RawPairs
from darkdiff_cli.datasets.sources import Source, parse_data

__all__ = [
    "FullSize",
    "MosaicCache",
    "Pair",
    "PhotoPairs",
    "RawPair",
    "RawPairs",
    "Source",
    "SynthesisSettings",
    "collate",
    "parse_data",
]
