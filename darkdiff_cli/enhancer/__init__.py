"""One photo with a loaded model: read, amplify, enhance, write."""

from importlib import import_module
from typing import TYPE_CHECKING

from darkdiff_cli.enhancer.settings import EnhanceSettings

if TYPE_CHECKING:
    from darkdiff_cli.enhancer.values import Developed, Enhanced, Rendered
    from darkdiff_cli.enhancer.way import Enhancer

__all__ = ["Developed", "EnhanceSettings", "Enhanced", "Enhancer", "Rendered"]


_HOMES = {"Developed": "values", "Enhanced": "values", "Enhancer": "way", "Rendered": "values"}


def __getattr__(name: str) -> object:
    """Import a class when it is first asked for: settings need no torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
