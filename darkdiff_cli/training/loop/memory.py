"""What is said where a step does not fit into memory: which values of the recipe make it smaller."""

from collections.abc import Iterator
from contextlib import contextmanager

from darkdiff_cli.errors import MemoryLimitError
from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.words import listed
from darkdiff_models.devices import is_out_of_memory


@contextmanager
def fitting(name: str, plan: Optimisation) -> Iterator[None]:
    """Say in a sentence that a stage needs more memory than there is.

    Args:
        name: of the stage.
        plan: how it is trained.

    Raises:
        MemoryLimitError: it does; checkpoints are whole.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        ways = listed(_smaller(plan))
        raise MemoryLimitError(f"{name}: a step does not fit into memory; set {ways} in the recipe.") from error


def _smaller(plan: Optimisation) -> list[str]:
    """What makes a step smaller, what changes the training least first."""
    ways = []
    if plan.accumulation < plan.batch_size:
        ways.append(f"accumulation above {plan.accumulation} (up to its batch_size of {plan.batch_size})")
    if not plan.gradient_checkpointing:
        ways.append("gradient_checkpointing to true")
    return [*ways, f"crop below {plan.crop}"]
