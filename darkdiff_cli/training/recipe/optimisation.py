"""How a network is trained, whatever it learns: batches, steps and learning rates."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from darkdiff_cli.ranges import SHARE, Range

STEPS = Range(0, 10**8)
CROP = Range(32, 8192)
"""Side of an image in LRGB pixels; LPIPS' network takes 31 and more."""


@dataclass(frozen=True)
class Optimisation:
    """How one network, or one group of them, is trained.

    Attributes:
        batch_size: images a step, over all processes and accumulated parts together.
        crop: side of an image in LRGB pixels, padded to what the networks need.
        learning_rate: peak, reached after `warmup` steps, then a cosine down to `final_learning_rate`.
        final_learning_rate: the same as the peak keeps the rate constant.
        steps, epochs: one of them; an epoch is as many images as the training set has pairs.
        optimizer: Adam, as the paper has it, or Muon, which learns more in a short run (see `muon.Muon`).
        betas: of Adam.
        ema_decay: of the averaged weights that are scored and kept.
        clip_grad_norm: largest norm of the gradient.
        accumulation: parts into which one process cuts the batch, for a smaller memory; several processes share them.
        gradient_checkpointing: compute activations again in the backward pass, for a smaller memory.
    """

    batch_size: Annotated[int, Range(1, 65536)]
    crop: Annotated[int, CROP]
    learning_rate: Annotated[float, Range(0, 10, above=True)]
    final_learning_rate: Annotated[float, Range(0, 10)]
    steps: Annotated[int, STEPS] = 0
    epochs: Annotated[int, STEPS] = 0
    warmup: Annotated[int, STEPS] = 100
    optimizer: Literal["adam", "muon"] = "adam"
    betas: Annotated[tuple[float, float], Range(0, 1, below=True)] = (0.9, 0.99)
    ema_decay: Annotated[float, SHARE] = 0.999
    clip_grad_norm: Annotated[float, Range(0, math.inf, above=True)] = 1.0
    accumulation: Annotated[int, Range(1, 65536)] = 1
    gradient_checkpointing: bool = False

    def rate(self, step: int) -> float:
        """The learning rate of a step: a linear warm-up, then a cosine from the peak down to the final rate."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        progress = (step - self.warmup) / max(1, self.steps - self.warmup)
        share = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
        return self.final_learning_rate + (self.learning_rate - self.final_learning_rate) * share
