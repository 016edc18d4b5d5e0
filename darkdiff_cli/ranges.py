"""What a number of a settings file may be, declared beside the field that it is of."""

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Range:
    """The numbers that a setting may be, as in `steps: Annotated[int, Range(1, 1000)]`.

    Of a list it holds for each of its numbers, and of settings by name for each of theirs.

    Attributes:
        low, high: the least and the largest; an infinite `high` is allowed itself.
        above: `low` itself is none of them.
        below: `high` itself is none of them.
        most: numbers of a list whose length is free; it has at least one.
        rising: no number of a list is smaller than the one before it.
    """

    low: float
    high: float
    above: bool = False
    below: bool = False
    most: int = 8
    rising: bool = False

    def holds(self, number: float) -> bool:
        """Whether a number is one of them; NaN never is."""
        return (self.low < number if self.above else self.low <= number) and (
            number < self.high if self.below else number <= self.high
        )

    def orders(self, numbers: tuple[float, ...]) -> bool:
        """Whether a list of such numbers may stand as it is."""
        return not self.rising or list(numbers) == sorted(numbers)

    def __str__(self) -> str:
        low = f"above {self.low:.12g}" if self.above else f"from {self.low:.12g}"
        if self.high == inf:
            return f"{low}, or .inf"
        return f"{low} to {'below ' if self.below else ''}{self.high:.12g}"


SHARE = Range(0, 1)
"""Of a whole."""
WEIGHT = Range(0, 1e6)
"""Of a term of a loss, or a factor on a rate or a noise; 0 leaves it out."""
