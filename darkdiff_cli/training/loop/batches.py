"""Which images a process sees at which step: the same batches however many processes share them."""

import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.util import Finalize
from typing import Any

from torch.utils.data import DataLoader, Dataset

from darkdiff_cli.datasets import Pair, collate
from darkdiff_cli.errors import DarkdiffError, SettingsError
from darkdiff_cli.interrupt import ignore_interrupts, signals_held
from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.words import listed

HEALTH_IMAGES = 16


@dataclass(frozen=True)
class Cut:
    """How a batch is cut: over processes, and within a process into parts that pass one after the other.

    Attributes:
        rank, processes: this process and how many there are.
        accumulation: parts of this process.
        size: images of a part.
    """

    rank: int
    processes: int
    accumulation: int
    size: int

    @classmethod
    def of(cls, plan: Optimisation, rank: int, processes: int) -> "Cut":
        """The cut of a plan's batch: its parts, shared among the processes; at least one for each of them.

        Raises:
            SettingsError: the batch has no equal parts.
        """
        accumulation = -(-plan.accumulation // processes)
        parts = processes * accumulation
        if plan.batch_size % parts:
            counts = range(1, plan.batch_size + 1)
            fitting = [n for n in counts if plan.batch_size % (n * -(-plan.accumulation // n)) == 0]
            counts_fitting = listed([str(n) for n in fitting])
            raise SettingsError(
                f"a batch of {plan.batch_size} images in {plan.accumulation} parts cannot be shared equally by "
                f"{processes} processes; run {counts_fitting}, or change batch_size or accumulation in the recipe."
            )
        return cls(rank, processes, accumulation, plan.batch_size // parts)

    @property
    def parts(self) -> int:
        """Parts of a batch in all."""
        return self.processes * self.accumulation

    def part(self, index: int) -> int:
        """The place in the batch of this process's part `index`."""
        return index * self.processes + self.rank

    def items(self, first: int, last: int) -> Iterator[int]:
        """The items of the data set that this process takes in the steps from `first` up to `last`."""
        batch = self.size * self.parts
        for step in range(first, last):
            for index in range(self.accumulation):
                start = step * batch + self.part(index) * self.size
                yield from range(start, start + self.size)


def batches(
    data: Dataset[Pair], first: int, plan: Optimisation, cut: Cut, workers: int, multiple: int, pinned: bool
) -> Iterator[Pair]:
    """This process's parts of the batches from step `first` on.

    Args:
        data: pairs by index.
        first: the step.
        plan: how many steps.
        cut: this process's part of each batch.
        workers: processes that make the pairs; spawned, since LibRaw's threads do not survive a fork.
        multiple: images are padded to multiples of this size.
        pinned: in page-locked memory, from which a GPU takes them without the program's waiting.

    Raises:
        DarkdiffError: the pairs of a batch cannot be made.
    """
    options: dict[str, Any] = {"pin_memory": pinned}
    if workers > 0:
        options |= {"num_workers": workers, "multiprocessing_context": "spawn", "prefetch_factor": 4}
        options["worker_init_fn"] = _prepare_worker
    items = cut.items(first, plan.steps)
    stack = partial(_stack, multiple=multiple)
    loader = DataLoader(_Answers(data), batch_size=cut.size, sampler=items, collate_fn=stack, **options)
    with signals_held():
        parts = iter(loader)
    Finalize(None, _kill_children, exitpriority=0)  # of workers that torch has not brought to an end
    for batch in parts:
        if isinstance(batch, DarkdiffError):
            raise batch
        yield batch


def held_out_batch(held_out: Dataset[Pair], multiple: int, count: int = HEALTH_IMAGES) -> Pair:
    """The first held-out pairs as one batch."""
    return collate([held_out[index].padded(multiple) for index in range(count)])


class _Answers(Dataset[Pair | DarkdiffError]):
    """Pairs, or the program's own error in the place of one: torch would hand on a traceback from a worker as its text.

    Args:
        data: pairs by index.
    """

    def __init__(self, data: Dataset[Pair]) -> None:
        self.data = data

    def __getitem__(self, index: int) -> Pair | DarkdiffError:
        try:
            return self.data[index]
        except DarkdiffError as error:
            return error


def _prepare_worker(_worker: int) -> None:
    """Ignore signals, since the main process handles them and needs its workers until it has saved.

    A worker may also have a child, the process that decodes its raws: that one ends with the worker, whatever ends it.
    """
    ignore_interrupts()
    multiprocessing.current_process().daemon = False


def _kill_children() -> None:
    """As the program ends: Python would only ask them to go, by a signal that they ignore, and wait."""
    for process in multiprocessing.active_children():
        process.kill()


def _stack(answers: Sequence[Pair | DarkdiffError], multiple: int) -> Pair | DarkdiffError:
    pairs = []
    for answer in answers:
        if isinstance(answer, DarkdiffError):
            return answer
        pairs.append(answer.padded(multiple))
    try:
        return collate(pairs)
    except DarkdiffError as error:
        return error
