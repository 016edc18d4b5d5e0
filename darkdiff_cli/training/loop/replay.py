"""On a GPU: the thousands of small kernels of a step, recorded once and then launched together (CUDA graphs)."""

from collections.abc import Callable, Hashable

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from darkdiff_cli.datasets import Pair
from darkdiff_cli.training.loop.draws import Draws
from darkdiff_cli.training.stages.stage import Readings

WARM_UPS = 3  # passes before the recording, in which libraries choose their kernels and take their memory

Pass = Callable[[Pair, Draws], tuple[Tensor, Readings]]


class Passes:
    """Forward and backward passes that leave gradients.

    Launching a step's kernels one by one takes a CPU longer than a GPU takes to run them, where networks are small.

    Args:
        accelerator: whose backward pass it is.
        record: whether passes of the same course are recorded and replayed.
    """

    def __init__(self, accelerator: Accelerator, record: bool) -> None:
        self.accelerator, self.record = accelerator, record
        self.recorded: dict[Hashable, Recorded] = {}

    def run(
        self, objective: nn.Module, pair: Pair, draws: Draws, share: float, course: Hashable | None
    ) -> tuple[Tensor, Readings]:
        """Loss and readings of a batch, whose gradients are added up; of a recorded pass they are the only ones.

        Args:
            objective: gives loss and readings.
            pair: on the device.
            draws: of the step.
            share: factor on the loss whose gradients are taken.
            course: passes with equal courses launch the same kernels; None for one that no other is like.
        """

        def once(images: Pair, numbers: Draws) -> tuple[Tensor, Readings]:
            loss, readings = objective(images, numbers)
            self.accelerator.backward(loss * share)
            return loss.detach(), readings

        if not self.record or course is None:
            return once(pair, draws)
        if course not in self.recorded:
            self.recorded[course] = Recorded(once, objective, pair, draws)
        return self.recorded[course].replay(pair, draws)


class Tape(Draws):
    """Draws that stay where a recorded pass looks for them, and are drawn anew before each replay.

    Args:
        draws: of the step at which the recording is made.
    """

    def __init__(self, draws: Draws) -> None:
        self.__dict__.update(draws.__dict__)
        self.generator = torch.Generator().set_state(draws.generator.get_state())  # the step draws its own
        self.entries: list[tuple[Tensor, Callable[[Draws], Tensor]]] = []
        self.played: int | None = None

    def normal_like(self, like: Tensor) -> Tensor:
        """As `Draws.normal_like`."""
        shape = torch.empty(like.shape, device="meta")
        return self._entry(lambda draws: draws.normal_like(shape))

    def chosen(self, count: int, share: float) -> Tensor:
        """As `Draws.chosen`."""
        return self._entry(lambda draws: draws.chosen(count, share))

    def timesteps(self, count: int, limit: int) -> Tensor:
        """As `Draws.timesteps`."""
        return self._entry(lambda draws: draws.timesteps(count, limit))

    def place(self, period: int) -> Tensor:
        """As `Draws.place`."""
        return self._entry(lambda draws: draws.place(period))

    def slant(self, round_of: int) -> Tensor:
        """As `Draws.slant`."""
        return self._entry(lambda draws: draws.slant(round_of))

    def rewind(self) -> "Tape":
        """Replay the recorded numbers from the first on."""
        self.played = 0
        return self

    def refill(self, draws: Draws) -> None:
        """Draw all numbers anew, where they are."""
        for buffer, draw in self.entries:
            buffer.copy_(draw(draws), non_blocking=True)

    def _entry(self, draw: Callable[[Draws], Tensor]) -> Tensor:
        if self.played is not None:
            self.played += 1
            return self.entries[self.played - 1][0]
        own = Draws.__new__(Draws)
        own.__dict__.update(self.__dict__)
        self.entries.append((draw(own), draw))
        return self.entries[-1][0]


class Recorded:
    """A pass as one CUDA graph, with the memory that it reads and writes.

    Args:
        once: the pass.
        networks: whose gradients it leaves.
        pair, draws: of the first step, for the recording; the passes leave no trace but gradients.
    """

    def __init__(self, once: Pass, networks: nn.Module, pair: Pair, draws: Draws) -> None:
        self.pair, self.tape = pair.cloned(), Tape(draws)
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UPS):
                once(self.pair, self.tape)
                self.tape.rewind()
        torch.cuda.current_stream().wait_stream(aside)
        networks.zero_grad(set_to_none=True)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.loss, self.readings = once(self.pair, self.tape)
        self.gradients = [(p, p.grad) for p in networks.parameters() if p.grad is not None]

    def replay(self, pair: Pair, draws: Draws) -> tuple[Tensor, Readings]:
        """The pass on another batch: loss and readings, good until the next replay."""
        self.pair.take(pair)
        self.tape.refill(draws)
        self.graph.replay()
        for parameter, gradient in self.gradients:
            parameter.grad = gradient
        return self.loss, self.readings
