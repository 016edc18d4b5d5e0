"""What a training costs before it is begun: parameters, memory, arithmetic, disk, hours."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from darkdiff_cli.datasets import FullSize, Pair
from darkdiff_cli.training.loop.draws import Draws
from darkdiff_cli.training.stages.stage import Stage
from darkdiff_models.detail import Samples
from darkdiff_models.networks.blocks import Checkpointed

META = torch.device("meta")
WEIGHT = 4  # bytes of a float32
MOMENTS = 2  # of an optimiser, at most: Adam's


@dataclass(frozen=True)
class Cost:
    """Counted, not measured: on tensors without values.

    Attributes:
        trained, frozen: parameters.
        state_bytes: weights, gradients, optimiser and average, in fp32.
        activation_bytes: what the backward pass of one part of a batch needs of the forward pass, in fp32; half of it
            in bf16 or fp16. Kernels' own workspaces come on top.
        step_flops: of one optimiser step, all parts, forward and backward; of stage 3 without the half-size pictures.
        checkpoint_bytes: of one checkpoint on the disk.
    """

    trained: int
    frozen: int
    state_bytes: int
    activation_bytes: int
    step_flops: int
    checkpoint_bytes: int

    def hours(self, steps: int, teraflops: float) -> float:
        """Hours of `steps` steps at so many TFLOP/s."""
        return self.step_flops * steps / (teraflops * 1e12) / 3600


def cost_of(stage: Stage, channels: tuple[int, int]) -> Cost:
    """Count a stage's cost; its networks lose their weights.

    Args:
        stage: what would train.
        channels: of the input and of the reference, 3 or 4 each.
    """
    plan = stage.optimisation
    modules = [*(m for player in stage.players.values() for m in player.values()), *stage.frozen.values()]
    trained = sum(p.numel() for player in stage.players for g in stage.parameter_groups(player) for p in g["params"])
    locked = sum(p.numel() for m in stage.trained.values() for p in m.parameters() if not p.requires_grad)
    frozen = locked + sum(p.numel() for module in stage.frozen.values() for p in module.parameters())
    averaged = sum(p.numel() for module in stage.trained.values() for p in module.parameters())
    for module in modules:
        module.to(META)
        if plan.gradient_checkpointing and isinstance(module, Checkpointed):
            module.use_checkpointing(True)
    side = -(-plan.crop // stage.multiple) * stage.multiple
    size = plan.batch_size // plan.accumulation
    noisy, reference = (torch.empty(size, count, side, side, device=META) for count in channels)
    pair = Pair(noisy, noisy, reference, ("",) * size, _full_size(noisy) if stage.sees_mosaics else None)
    late = plan.steps  # when every player plays
    flops = activations = 0
    for player in stage.players:
        with FlopCounterMode(display=False) as counter, _kept(modules) as kept:
            loss, _ = stage.loss(player, pair, Draws(0, late, META, 0, plan.accumulation))
        with counter:
            loss.backward()
        flops += counter.get_total_flops()
        activations = max(activations, sum(kept.values()))
    return Cost(
        trained=trained,
        frozen=frozen,
        state_bytes=WEIGHT * ((2 + MOMENTS) * trained + averaged + frozen),
        activation_bytes=activations,
        step_flops=flops * plan.accumulation,
        checkpoint_bytes=WEIGHT * ((1 + MOMENTS) * trained + locked + averaged),
    )


def _full_size(noisy: Tensor) -> FullSize:
    """The mosaics of a batch, with the half-size pictures that are made beforehand."""
    size, _, height, width = noisy.shape
    full = noisy.new_empty(size, 3, 2 * height, 2 * width)
    samples = Samples(full, full, noisy.new_empty(size, 3, 2), noisy.new_empty(size, 3, 3))
    return FullSize(samples, full, noisy.new_empty(size, 3, height, width))


@contextmanager
def _kept(modules: list[nn.Module]) -> Iterator[dict[int, int]]:
    """Bytes of each storage that autograd keeps for the backward pass, without weights."""
    weights = {t.untyped_storage()._cdata for m in modules for t in chain(m.parameters(), m.buffers())}
    kept: dict[int, int] = {}
    alive: list[Tensor] = []  # so that no address is used twice

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            kept[storage._cdata] = storage.nbytes()
            alive.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield kept
