"""A recipe written down as a run used it: YAML that `--recipe` takes, with every value in it."""

import dataclasses
import shlex
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from darkdiff_cli.files import atomically
from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.recipe.recipe import Recipe
from darkdiff_cli.words import printable

NAME = "recipe.yaml"


def write_recipe(folder: Path, recipe: Recipe, options: Sequence[str]) -> None:
    """Write `recipe.yaml`, in the place of one that is there.

    Args:
        folder: of the stage.
        recipe: as it is used.
        options: of `darkdiff train` beside --recipe, such as "--data", which a comment tells.

    Raises:
        OutputError: it cannot be written.
    """
    command = printable(shlex.join(["darkdiff", "train", *options, "--recipe", NAME]))
    heading = f"# As darkdiff {version('darkdiff')} used it. The same run:\n# {command}\n"
    body = yaml.safe_dump(_plain(recipe), sort_keys=False, default_flow_style=None, allow_unicode=True, width=120)
    atomically(folder / NAME, lambda partial: partial.write_text(heading + body, encoding="utf-8"))


def of_length(recipe: Recipe, steps: int | None, epochs: int | None) -> Recipe:
    """A recipe whose trainings are all of a length that the user gave instead, in steps or in epochs."""
    if steps is None and epochs is None:
        return recipe
    changed: Recipe = _of_length(recipe, steps or 0, epochs or 0)
    return changed


def _of_length(value: Any, steps: int, epochs: int) -> Any:
    if isinstance(value, Optimisation):
        return dataclasses.replace(value, steps=steps, epochs=epochs)
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        return value
    parts = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return dataclasses.replace(value, **{name: _of_length(part, steps, epochs) for name, part in parts.items()})


def _plain(value: Any) -> Any:
    """Mappings, lists and single values; what is left out stays so."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {name: _plain(part) for name, part in parts if part is not None}
    return list(value) if isinstance(value, tuple) else value
