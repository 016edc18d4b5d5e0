"""Recipes as YAML: every key and every type checked, the nearest known key named."""

import dataclasses
import difflib
import types
import typing
from collections.abc import Sequence
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml

from darkdiff_cli.errors import LONGEST, SettingsError, shown
from darkdiff_cli.training.recipe.recipe import Recipe

UNREADABLE = (yaml.YAMLError, ValueError, RecursionError)
"""What YAML raises: its own errors, those of Python on a date or a number that is none, and on a thousand brackets."""


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
        SettingsError: no such recipe, an unknown key (the nearest known one is named), or a value of a wrong type.
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
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{name_or_file}: cannot be read ({error.strerror}); check its permissions.") from error
    except UNREADABLE as error:
        reason = str(error).split("\n", 1)[0][:LONGEST]
        raise SettingsError(f"{name_or_file}: is not valid YAML ({reason}); mend the file.") from error


def _change(values: Any, change: str) -> None:
    """Put a value of "stage2.region_size=4" in its place.

    Raises:
        SettingsError: it is no KEY=VALUE, or leads through a key that holds no mapping.
    """
    path, equals, text = change.partition("=")
    *parents, last = path.split(".")
    place = values
    for key in parents:
        place = place.setdefault(key, {}) if isinstance(place, dict) else None
    if not equals or not last or not isinstance(place, dict):
        raise SettingsError(
            f"--set {change}: must be KEY=VALUE with a key of the recipe, such as stage2.region_size=4."
        )
    try:
        place[last] = yaml.safe_load(text)
    except UNREADABLE as error:
        raise SettingsError(f"--set {change}: {shown(text)} is no YAML value.") from error


def _build(kind: type, values: object, where: str) -> Any:
    """Make a dataclass of a mapping, checking every key and type on the way."""
    if not isinstance(values, dict):
        raise SettingsError(f"{where}: expected a mapping of settings, got {shown(values)}.")
    hints = typing.get_type_hints(kind)
    for key in values:
        if key not in hints:
            near = difflib.get_close_matches(str(key)[:LONGEST], hints, n=1)
            raise SettingsError(
                f"{where}: unknown key {shown(key)}" + (f", did you mean {near[0]!r}?" if near else ".")
            )
    required = {f.name for f in dataclasses.fields(kind) if f.default is f.default_factory is dataclasses.MISSING}
    if missing := sorted(required - set(values)):
        raise SettingsError(f"{where}: the key {missing[0]!r} is missing.")
    return kind(**{key: _convert(hints[key], value, f"{where}: {key}") for key, value in values.items()})


def _convert(hint: Any, value: object, where: str) -> object:
    if isinstance(hint, types.UnionType):  # `X | None`: None only by leaving the key out
        hint = next(kind for kind in typing.get_args(hint) if kind is not type(None))
    if dataclasses.is_dataclass(hint):
        return _build(typing.cast(type, hint), value, where)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple and isinstance(value, list):
        kinds = [arguments[0]] * len(value) if len(arguments) == 2 and arguments[1] is Ellipsis else list(arguments)
        if len(kinds) == len(value):
            return tuple(_convert(kind, item, where) for kind, item in zip(kinds, value, strict=True))
    elif origin is Literal and value in arguments:
        return value
    elif origin is Literal and value is False and "off" in arguments:
        return "off"  # YAML 1.1 reads a bare `off` as false
    elif hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):
            return float(value)
    elif isinstance(hint, type) and not isinstance(hint, types.GenericAlias) and type(value) is hint:
        return value
    expected = " or ".join(map(str, arguments)) if origin is Literal else getattr(hint, "__name__", str(hint))
    raise SettingsError(f"{where} is {shown(value)}, but must be {expected}.")
