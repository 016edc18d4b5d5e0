"""`--preset`: options from a TOML file, and the user's own defaults; the command line wins."""

import json
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, ClassVar

import platformdirs
import tomllib
import typer

from darkdiff_cli.commands.console import say
from darkdiff_cli.commands.usage import what_is_wrong
from darkdiff_cli.errors import LONGEST, SettingsError, shown
from darkdiff_cli.files import input_error
from darkdiff_cli.words import printable

CONFIG = platformdirs.user_config_path("darkdiff")
DEFAULTS = "defaults.toml"
NOT_FOR_PRESETS = {"preset", "help"}
PATHS = {"dark", "output", "report"}
"""The options that take files and folders; `model` takes a folder too, or a name."""


def _apply(context: typer.Context, preset: str | None) -> str | None:
    """Make the values of the files the defaults of this command's other options."""
    try:
        values = _read(CONFIG / DEFAULTS, context) if (CONFIG / DEFAULTS).is_file() else {}
        if preset is not None:
            values |= _read(_file(preset), context)
    except SettingsError as error:
        say(error)
        raise typer.Exit(2) from error
    context.default_map = values
    return preset


@dataclass(frozen=True)
class PresetOptions:
    """Options that come from a file."""

    panel: ClassVar[str] = "Preset"
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|NAME",
            is_eager=True,  # before the options whose defaults it sets
            callback=_apply,
            help="TOML file of options without their dashes (strength = 0.8), or the name of one in the user's folder "
            "of presets. Paths in a preset start from its own folder. What "
            f"{DEFAULTS} there says holds without it. The command line wins.",
        ),
    ] = None

    def files(self) -> tuple[Path, ...]:
        """The files whose options hold."""
        given = () if self.preset is None else (_file(self.preset),)
        return (CONFIG / DEFAULTS, *given)


def _file(preset: str) -> Path:
    """The preset's file: a path, or a name in the user's folder.

    Raises:
        SettingsError: there is none.
    """
    path, own = Path(preset), CONFIG / f"{preset}.toml"
    if path.is_file():
        return path
    if own.is_file():
        return own
    known = sorted(file.stem for file in CONFIG.glob("*.toml") if file.name != DEFAULTS)
    named = f"there are {', '.join(known)}" if known else "there is none"
    raise SettingsError(f"--preset {preset}: no such file, and no preset of this name in {CONFIG} ({named}).")


def _read(path: Path, context: typer.Context) -> dict[str, Any]:
    """Values by parameter, as a command of this program takes them.

    A preset serves several commands: what only another of them knows is left out.

    Raises:
        SettingsError: the file is no TOML, or an option is unknown or has a value that it cannot have.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is no text in UTF-8; save it as that.") from error
    except PermissionError as error:
        raise SettingsError(str(input_error(path, error))) from error
    except (OSError, ValueError, RecursionError) as error:  # no TOML, numbers of thousands of digits
        raise SettingsError(f"{path}: cannot be read as a preset ({error}).") from error
    ours, others = _options(context.command), _others(context)
    values: dict[str, Any] = {}
    for key, value in given.items():
        name = key.replace("-", "_")
        if isinstance(value, dict):
            raise SettingsError(
                f"{path}: [{key[:LONGEST]}] is a table, and a preset has none; write its options without it."
            )
        if name not in ours:
            if name not in others:
                close = get_close_matches(name[:LONGEST], {*ours, *others}, n=1)
                end = f"; did you mean {close[0].replace('_', '-')}?" if close else "."
                raise SettingsError(f"{path}: {key[:LONGEST]} is no option{end}")
            continue
        try:
            values[ours[name].name] = _converted(ours[name], value, path.parent, context)
        except Exception as error:
            wrong = what_is_wrong(getattr(error, "message", str(error)))
            text = json.dumps(value, default=str) if len(str(value)) <= LONGEST else shown(value)
            raise SettingsError(f"{path}: {key} = {text}: {wrong[:LONGEST]}.") from error
    return values


def _converted(option: Any, value: Any, folder: Path, context: typer.Context) -> Any:
    """The value as the command line would give it, once it is known that the option takes it.

    Args:
        option: of the command.
        value: as it stands in the preset.
        folder: of the preset.
        context: of the command.
    """
    if option.is_flag and not isinstance(value, bool):
        raise ValueError("must be true or false")
    if isinstance(value, list) and not option.multiple:
        raise ValueError("must be one value")
    several = value if isinstance(value, list) else [value]  # enhance takes one --ratio, preview several
    parts = [_placed(option.name, str(part), folder) for part in several]
    words = value if option.is_flag else parts if option.multiple else parts[0]
    option.process_value(context, words)  # fails here, where the file can be named
    return words if printable(words) == str(words) else lambda: words  # a function is not shown by --help


def _placed(option: str, word: str, folder: Path) -> str:
    """A path of a preset, seen from where the program runs: it starts from the preset's folder; any other word as is.

    A model is a path where it is written as one or lies there; else it is a name, such as tiny or one of the hub.
    """
    path = folder / Path(word).expanduser()
    if option in PATHS or (option == "model" and (word.startswith((".", "~")) or path.is_dir())):
        return str(path)
    return word


def _options(command: Any) -> dict[str, Any]:
    """The options of a command by their long names, with underscores for dashes."""
    return {
        flag.lstrip("-").replace("-", "_"): parameter
        for parameter in command.params
        if parameter.param_type_name == "option" and parameter.name not in NOT_FOR_PRESETS
        for flag in parameter.opts
        if flag.startswith("--")
    }


def _others(context: typer.Context) -> set[str]:
    """What the sister commands that take presets know."""
    group = context.parent.command if context.parent is not None else None
    commands = getattr(group, "commands", {}).values()
    return {
        name for command in commands if any(p.name == "preset" for p in command.params) for name in _options(command)
    }
