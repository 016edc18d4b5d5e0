"""What the loop asks of a stage: which modules train, with which loss, and how they are kept."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from darkdiff_cli.datasets import Pair
from darkdiff_cli.training.draws import Draws
from darkdiff_cli.training.recipe import Optimisation

Numbers = dict[str, float]


class Stage(ABC):
    """One thing to train.

    Attributes:
        name: folder of its checkpoints.
        trained: the modules that train, by name; averaged, saved and restored by the loop.
        frozen: the modules that only help.
        optimisation: steps, batch size, learning rate.
    """

    name: str
    trained: dict[str, nn.Module]
    frozen: dict[str, nn.Module]
    optimisation: Optimisation

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Groups for the optimiser; `factor` multiplies the learning rate."""
        return [{"params": [p for m in self.trained.values() for p in m.parameters()], "factor": 1.0}]

    @abstractmethod
    def loss(self, pair: Pair, draws: Draws) -> tuple[Tensor, Numbers]:
        """The loss of a batch, and numbers for the log."""

    @abstractmethod
    def health(self, pair: Pair, draws: Draws) -> Numbers:
        """Scores on held-out images, with the averaged weights in place."""

    @abstractmethod
    def export(self, folder: Path) -> None:
        """Write what the next stage, or the user, takes over, with the averaged weights in place."""
