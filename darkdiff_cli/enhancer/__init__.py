"""One photo with a loaded model: read, amplify, enhance, write."""

from darkdiff_cli.enhancer.values import Developed, Enhanced, EnhanceSettings, Rendered
from darkdiff_cli.enhancer.way import Enhancer

__all__ = ["Developed", "EnhanceSettings", "Enhanced", "Enhancer", "Rendered"]
