"""Frames of one scene, taken one after the other, become one frame before anything else sees them."""

from darkdiff_cli.raw.stack.reading import read_stack

__all__ = ["read_stack"]
