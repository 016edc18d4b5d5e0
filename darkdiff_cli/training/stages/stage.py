"""What the loop asks of a stage: which modules train, with which loss, and how they are kept."""

from abc import ABC, abstractmethod
from collections.abc import Hashable
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.utils.data import Dataset

from darkdiff_cli.datasets import Pair
from darkdiff_cli.training.loop.draws import Draws
from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.stages.beforehand import Making

Numbers = dict[str, float]
Readings = dict[str, Tensor]  # numbers still on the device: fetching each of them would make the GPU wait

MODEL = "model"


class Stage(ABC):
    """One thing to train, by one player or by several that take turns on the same batch (a model, a discriminator).

    Attributes:
        name: folder of its checkpoints.
        players: the modules that train, by player and name; saved and restored by the loop. The first player's are
            averaged, scored and kept.
        frozen: the modules that only help.
        optimisation: steps, batch size, learning rate.
        multiple: images are padded to multiples of this size.
        sees_mosaics: pairs come with the mosaic and the truth at the sensor's size.
    """

    name: str
    players: dict[str, dict[str, nn.Module]]
    frozen: dict[str, nn.Module]
    optimisation: Optimisation
    multiple: int
    sees_mosaics: ClassVar[bool] = False

    @property
    def trained(self) -> dict[str, nn.Module]:
        """The first player's modules."""
        return self.players[MODEL]

    def parameter_groups(self, player: str) -> list[dict[str, Any]]:
        """Groups for a player's optimiser; `factor` multiplies the learning rate."""
        modules = self.players[player].values()
        return [{"name": player, "params": [p for m in modules for p in m.parameters()], "factor": 1.0}]

    def plays(self, player: str, step: int) -> bool:  # noqa: ARG002
        """Whether a player takes part in a step."""
        return True

    def course(self, player: str, step: int) -> Hashable | None:  # noqa: ARG002
        """What a player's pass has in common with all others that launch the same kernels on batches of one size.

        None where a pass waits for its numbers, or differs from all others.
        """
        return None

    @property
    def pairs_crop(self) -> int:
        """Side in LRGB pixels of the pairs that the stage asks for."""
        return self.optimisation.crop

    @property
    def kept_bytes(self) -> int:
        """Size of the pairs that are made once and kept on the disk while it trains."""
        return 0

    def kept(self, pairs: Dataset[Pair], making: Making) -> Dataset[Pair]:  # noqa: ARG002
        """The pairs to train on; a stage may make some once, on the device, and keep them."""
        return pairs

    @abstractmethod
    def loss(self, player: str, pair: Pair, draws: Draws) -> tuple[Tensor, Readings]:
        """A player's loss on a batch, and numbers for the log."""

    @abstractmethod
    def health(self, pair: Pair, draws: Draws) -> Numbers:
        """Scores on held-out images, with the averaged weights in place."""

    @abstractmethod
    def picture(self, pair: Pair, draws: Draws) -> Tensor | None:
        """What the stage makes of held-out images, (batch, channels, h, w) in [0, 1]; None where it makes none."""

    @abstractmethod
    def export(self, folder: Path) -> None:
        """Write what the next stage, or the user, takes over, with the averaged weights in place."""


class Objective(nn.Module):
    """A player's loss as one forward pass, the module that data-parallel training wraps."""

    def __init__(self, stage: Stage, player: str) -> None:
        super().__init__()
        self.networks = nn.ModuleDict(stage.players[player])
        self.stage, self.player = stage, player

    def forward(self, pair: Pair, draws: Draws) -> tuple[Tensor, Readings]:
        """As `Stage.loss`."""
        return self.stage.loss(self.player, pair, draws)
