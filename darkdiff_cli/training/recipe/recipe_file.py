"""Recipes as YAML: every key and every value checked, the nearest known key named."""

import dataclasses
import difflib
import types
import typing
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from darkdiff_cli.errors import LONGEST, SettingsError, shown
from darkdiff_cli.ranges import Range
from darkdiff_cli.training.recipe.recipe import Recipe
from darkdiff_cli.training.recipe.values import checked, expected

UNREADABLE = (yaml.YAMLError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What YAML raises: its own errors, and those of Python on numbers and dates that are none, and on deep brackets."""


class _TwiceError(yaml.YAMLError):
    """A key stands twice in a mapping."""


class _Loader(yaml.SafeLoader):
    """YAML as it is, but for keys that stand twice, of which the last would count without a word."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                line = key.start_mark.line + 1
                if key.value in lines:
                    before = lines[key.value]
                    raise _TwiceError(f"the key {shown(key.value)} stands in line {before} and again in line {line}")
                lines[key.value] = line
        return node


def recipe_names() -> list[str]:
    """Names of the recipes that come with the program."""
    folder = files("darkdiff_cli.recipes")
    return sorted(p.name.removesuffix(".yaml") for p in folder.iterdir() if p.name.endswith(".yaml"))


def load_recipe(name_or_file: str, changes: Sequence[str] = ()) -> Recipe:
    """Load a bundled recipe by name, or any YAML file.

    Args:
        name_or_file: of the recipe.
        changes: values that replace the recipe's, such as "stage2.conditioning=concat".

    Raises:
        SettingsError: no such recipe, an unknown key (the nearest known one is named), or a value that its
            field does not take.
    """
    values = _read(name_or_file)
    for change in changes:
        _change(values, change)
    recipe = typing.cast(Recipe, _build(Recipe, values, name_or_file))
    if fault := recipe.fault():
        raise SettingsError(f"{name_or_file}: {fault}.")
    return recipe


def _read(name_or_file: str) -> Any:
    """The values of a recipe as YAML has them.

    Raises:
        SettingsError: there is no such recipe, or it cannot be read.
    """
    bundled = name_or_file in recipe_names()
    file = files("darkdiff_cli.recipes").joinpath(f"{name_or_file}.yaml") if bundled else Path(name_or_file)
    if not file.is_file():
        raise SettingsError(
            f"{name_or_file}: no such recipe; choose one of {', '.join(recipe_names())}, or a YAML file."
        )
    try:
        return yaml.load(file.read_text(encoding="utf-8"), _Loader)  # a SafeLoader
    except OSError as error:
        raise SettingsError(f"{name_or_file}: cannot be read ({error.strerror}); check its permissions.") from error
    except _TwiceError as error:
        raise SettingsError(f"{name_or_file}: {error}; remove one of them.") from error
    except UNREADABLE as error:
        reason = str(error).split("\n", 1)[0][:LONGEST]
        raise SettingsError(f"{name_or_file}: is not valid YAML ({reason}); mend the file.") from error


def _change(values: Any, change: str) -> None:
    """Put a value of "stage2.region_size=4" in its place.

    Raises:
        SettingsError: it is no KEY=VALUE, or leads through a key that holds no mapping.
    """
    path, equals, text = change.partition("=")
    change = change if len(change) <= LONGEST else shown(change)
    *parents, last = path.split(".")
    place = values
    for key in parents:
        place = place.setdefault(key, {}) if isinstance(place, dict) else None
    if not equals or not last or not isinstance(place, dict):
        raise SettingsError(
            f"--set {change}: must be KEY=VALUE with a key of the recipe, such as stage2.region_size=4."
        )
    try:
        place[last] = yaml.load(text, _Loader)
    except UNREADABLE as error:
        raise SettingsError(f"--set {change}: {shown(text)} is no YAML value.") from error


def _build(kind: type, values: object, source: str, keys: tuple[str, ...] = (), limits: Range | None = None) -> Any:
    """Make a dataclass of a mapping, checking every key, type and range on the way.

    Args:
        kind: the dataclass.
        values: the mapping.
        source: the recipe.
        keys: that lead to the mapping.
        limits: of the numbers that declare none themselves.

    Raises:
        SettingsError: a key or a value is none of the dataclass's; the message names it.
    """
    where = f"{source}: {'.'.join(keys)}" if keys else source
    if not isinstance(values, dict):
        raise SettingsError(f"{where}: expected a mapping of settings, got {shown(values)}.")
    hints = typing.get_type_hints(kind, include_extras=True)
    for key in values:
        if key not in hints:
            near = difflib.get_close_matches(str(key)[:LONGEST], hints, n=1)
            raise SettingsError(
                f"{where}: unknown key {shown(key)}" + (f", did you mean {near[0]!r}?" if near else ".")
            )
    required = {f.name for f in dataclasses.fields(kind) if f.default is f.default_factory is dataclasses.MISSING}
    if missing := sorted(required - set(values)):
        raise SettingsError(f"{where}: the key {missing[0]!r} is missing.")
    return kind(**{key: _convert(hints[key], value, source, (*keys, key), limits) for key, value in values.items()})


def _convert(hint: Any, value: object, source: str, keys: tuple[str, ...], limits: Range | None) -> object:
    """A value as its field has it; the arguments as of `_build`."""
    if isinstance(hint, types.UnionType):  # `X | None`: None only by leaving the key out
        hint = next(kind for kind in typing.get_args(hint) if kind is not type(None))
    if typing.get_origin(hint) is typing.Annotated:
        hint, limits = typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return _build(typing.cast(type, hint), value, source, keys, limits)
    try:
        return checked(hint, value, limits)
    except (ValueError, OverflowError):
        wanted = expected(hint, limits)
        raise SettingsError(f"{source}: {'.'.join(keys)} is {shown(value)}, but must be {wanted}.") from None
