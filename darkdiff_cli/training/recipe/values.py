"""Values of a recipe: whether YAML's are what a field takes, and what it takes in words."""

import re
from types import GenericAlias
from typing import Any, Literal, get_args, get_origin

from darkdiff_cli.ranges import Range

ONE = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
POWER = re.compile(r"[-+]?[0-9]+e[-+]?[0-9]+", re.IGNORECASE)  # 1e-4, which YAML 1.1 reads as a text
SEVERAL = {int: "whole numbers", float: "numbers", bool: "values of true or false", str: "texts"}


def checked(hint: Any, value: object, limits: Range | None) -> object:
    """A value of YAML's as a field has it: lists as tuples, whole numbers as floats where floats are wanted.

    Args:
        hint: type of the field: a number, a text, a tuple of them, or a choice.
        value: of the file.
        limits: of its numbers.

    Raises:
        ValueError, OverflowError: the field does not take it.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple and isinstance(value, list):
        return _several(arguments, value, limits)
    if origin is Literal and value in arguments:
        return value
    if origin is Literal and value is False and "off" in arguments:
        return "off"  # YAML 1.1 reads a bare `off` as false
    if hint is float and (type(value) is int or (isinstance(value, str) and POWER.fullmatch(value))):
        value = float(value)
    if isinstance(hint, GenericAlias) or type(value) is not hint:
        raise ValueError
    if limits is not None and isinstance(value, int | float) and hint is not bool and not limits.holds(value):
        raise ValueError
    return value


def _several(kinds: tuple[Any, ...], values: list[Any], limits: Range | None) -> tuple[object, ...]:
    free = kinds[-1] is Ellipsis
    if free and limits is not None and not 1 <= len(values) <= limits.most:
        raise ValueError
    each = kinds[:1] * len(values) if free else kinds
    made = tuple(checked(kind, value, limits) for kind, value in zip(each, values, strict=True))
    if limits is not None and not limits.orders(made):  # type: ignore[arg-type]  # a range is of numbers alone
        raise ValueError
    return made


def expected(hint: Any, limits: Range | None) -> str:
    """What a field takes, such as "a whole number from 1 to 64"; arguments as of `checked`."""
    kinds = get_args(hint)
    if get_origin(hint) is Literal:
        return " or ".join(map(str, kinds))
    if get_origin(hint) is not tuple:
        return ONE[hint] + (f" {limits}" if limits is not None and hint is not bool else "")
    count = str(len(kinds)) if kinds[-1] is not Ellipsis else "a list of" if limits is None else f"1 to {limits.most}"
    words = f"{count} {SEVERAL[kinds[0]]}" + (f" {limits}" if limits is not None else "")
    return f"{words}, the smaller first" if limits is not None and limits.rising else words
