"""How whoever waits is told how far a piece of work is."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, parts done, parts in all)."""
