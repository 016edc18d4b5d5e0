"""Options in groups: a command takes frozen dataclasses, and each of their fields is an option."""

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from typer.models import ParameterInfo

R = TypeVar("R")


def grouped(command: Callable[..., R]) -> Callable[..., R]:
    """Let a command take groups of options.

    A group is a frozen dataclass whose fields are `Annotated[type, typer.Option(...)] = default`, with the name of its
    help panel as the class variable `panel`. Typer sees one option for each field, in the place of the parameter that
    takes the group; the command gets one value for each group.

    Args:
        command: takes groups, and arguments or options of its own.

    Raises:
        TypeError: two parameters of the command are called the same.
    """
    hints = get_type_hints(command, include_extras=True)
    parameters = signature(command).parameters
    groups = {name: hints[name] for name in parameters if is_dataclass(hints[name])}
    flat: list[Parameter] = []
    for name, parameter in parameters.items():
        if name in groups:
            flat += _options(groups[name])
        else:
            flat.append(parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[name]))
    names = [parameter.name for parameter in flat]
    if twice := {name for name in names if names.count(name) > 1}:
        raise TypeError(f"{command.__name__}: has two options for {', '.join(sorted(twice))}")

    @wraps(command)
    def run(**values: Any) -> R:
        made = {
            name: group(**{field.name: values.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        return command(**values, **made)

    run.__signature__ = Signature(flat, return_annotation=hints.get("return"))  # type: ignore[attr-defined]
    return run


def _options(group: Any) -> Iterator[Parameter]:
    """The fields of a group as parameters, each in the group's help panel unless it names its own."""
    hints = get_type_hints(group, include_extras=True)
    for field in fields(group):
        yield Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            default=_default(field),
            annotation=_in_panel(hints[field.name], group.panel),
        )


def _default(field: "Field[Any]") -> Any:
    return Parameter.empty if field.default is MISSING else field.default


def _in_panel(annotation: Any, panel: str) -> Any:
    if get_origin(annotation) is not Annotated:
        raise TypeError(f"{annotation}: an option is Annotated[type, typer.Option(...)]")
    kind, *notes = get_args(annotation)
    [option] = [copy(note) for note in notes if isinstance(note, ParameterInfo)]
    option.rich_help_panel = option.rich_help_panel or panel
    return Annotated[kind, option]
