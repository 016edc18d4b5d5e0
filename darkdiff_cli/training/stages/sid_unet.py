"""The regression baseline of `bench`, trained on the same pairs by the same loop."""

from pathlib import Path

from torch import Tensor

from darkdiff_cli.datasets import Pair
from darkdiff_cli.training.loop.draws import Draws
from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.recipe.stage_settings import PictureLoss
from darkdiff_cli.training.stages.losses import picture_loss, score
from darkdiff_cli.training.stages.stage import MODEL, Numbers, Readings, Stage
from darkdiff_models.learning.lpips import LPIPS
from darkdiff_models.learning.sid_unet import SidUNet


class Regression(Stage):
    """Bayer planes to sRGB with an L1 loss (Chen et al., CVPR 2018)."""

    def __init__(self, plan: Optimisation, network: SidUNet, lpips: LPIPS | None) -> None:
        self.name, self.optimisation = "sid-unet", plan
        self.network, self.lpips = network, lpips
        self.multiple = network.multiple
        self.players = {MODEL: {"network": network}}
        self.frozen = {"lpips": lpips} if lpips is not None else {}

    def loss(self, player: str, pair: Pair, draws: Draws) -> tuple[Tensor, Readings]:  # noqa: ARG002
        """L1."""
        loss = picture_loss(self.network(pair.noisy), pair.reference, None, PictureLoss(lpips=0.0)).mean()
        return loss, {"picture": loss.detach()}

    def health(self, pair: Pair, draws: Draws) -> Numbers:  # noqa: ARG002
        """Scores on held-out pictures."""
        return score(self.network(pair.noisy), pair.reference, self.lpips)

    def picture(self, pair: Pair, draws: Draws) -> Tensor:  # noqa: ARG002
        """The network's picture."""
        return self.network(pair.noisy).clamp(0, 1)

    def export(self, folder: Path) -> None:
        """The network, for `bench --baseline sid-unet=FOLDER`."""
        self.network.save_pretrained(folder)
