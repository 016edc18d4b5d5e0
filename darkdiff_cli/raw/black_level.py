"""The black level of a sensor as one value: a pattern that repeats, and what each row and column adds to it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class BlackLevel:
    """The black level in DN of every photosite of a frame (DNG 1.7: BlackLevel, its RepeatDim, DeltaH, DeltaV).

    Attributes:
        values: the pattern in reading order from the top left corner of the frame; the three samples of a pixel of a
            linear raw follow each other.
        repeat: rows and columns after which the pattern repeats.
        rows: (H,) what each row adds (BlackLevelDeltaV), or nothing.
        columns: (W,) what each column adds (BlackLevelDeltaH), or nothing.

    Raises:
        ValueError: the pattern does not hold one value, or three, for each place.
    """

    values: tuple[float, ...]
    repeat: tuple[int, int] = (1, 1)
    rows: tuple[float, ...] = ()
    columns: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        places = self.repeat[0] * self.repeat[1]
        if places < 1 or len(self.values) not in (places, 3 * places):
            raise ValueError(f"a black pattern of {self.repeat[0]}x{self.repeat[1]} has {len(self.values)} values")
        if len(set(self.values)) == 1:  # so that equal levels compare equal
            object.__setattr__(self, "values", self.values[:1])
            object.__setattr__(self, "repeat", (1, 1))

    @classmethod
    def uniform(cls, value: float) -> "BlackLevel":
        """One level for the whole frame."""
        return cls((float(value),))

    @property
    def pattern(self) -> NDArray[np.float64]:
        """(rows, columns) of the repeated pattern, or (rows, columns, 3) of a linear raw."""
        rows, columns = self.repeat
        shape = (rows, columns) if len(self.values) == rows * columns else (rows, columns, 3)
        return np.array(self.values).reshape(shape)

    @property
    def mean(self) -> float:
        """The mean over the frame."""
        added = [float(np.mean(part)) for part in (self.rows, self.columns) if part]
        return float(np.mean(self.values)) + sum(added)

    @property
    def highest(self) -> float:
        """The highest level of any photosite."""
        return max(self.values) + sum(max(part) for part in (self.rows, self.columns) if part)

    def subtracted_from(self, mosaic_dn: NDArray[np.generic]) -> NDArray[np.float32]:
        """(H, W) or (H, W, 3) values in DN -> the same above black, negative noise kept, float32."""
        light = mosaic_dn.astype(np.float32)
        down, across = self.repeat
        pattern = self.pattern.astype(np.float32)
        for row in range(down):
            for column in range(across):
                light[row::down, column::across] -= pattern[row, column]
        trailing = (1,) * (light.ndim - 2)
        if self.rows:
            light -= np.array(self.rows, np.float32).reshape(-1, 1, *trailing)
        if self.columns:
            light -= np.array(self.columns, np.float32).reshape(1, -1, *trailing)
        return light

    def seen_from(self, top: int, left: int, height: int, width: int) -> "BlackLevel":
        """The black level of a window of the frame: the pattern turns with its first row and column."""
        turned = np.roll(self.pattern, (-top, -left), axis=(0, 1))
        return replace(
            self,
            values=tuple(float(value) for value in turned.ravel()),
            rows=self.rows[top : top + height],
            columns=self.columns[left : left + width],
        )
