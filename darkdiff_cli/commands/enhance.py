"""`darkdiff enhance`: raw files to photos."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from darkdiff_cli.commands.aliases import IMAGES
from darkdiff_cli.commands.console import say, show, show_json, tell, tell_traceback
from darkdiff_cli.commands.exits import DONE, SOME_FAILED, UNUSABLE, Debug
from darkdiff_cli.commands.options import (
    DiffusionOptions,
    OutputOptions,
    PhotoMachineOptions,
    PictureOptions,
    StackOptions,
    enhance_settings,
)
from darkdiff_cli.commands.presets import PresetOptions
from darkdiff_cli.commands.progress import loading, photo_progress
from darkdiff_cli.decoder import Decoder
from darkdiff_cli.errors import SettingsError, sentence_of
from darkdiff_cli.files import check_input
from darkdiff_cli.formats import FORMATS, KINDS, OWN, Format
from darkdiff_cli.inputs import Inputs
from darkdiff_cli.names import folded, numbered, photo_stems

if TYPE_CHECKING:
    from darkdiff_cli.enhancer import Enhanced, Enhancer, EnhanceSettings


def enhance(
    images: Annotated[list[Path], IMAGES],
    preset: PresetOptions,
    picture: PictureOptions,
    stack: StackOptions,
    diffusion: DiffusionOptions,
    output: OutputOptions,
    machine: PhotoMachineOptions,
    doubt: Annotated[
        Path | None,
        typer.Option(
            metavar="MAP.png",
            help="Also write a map of how wrong each place may be, with a legend; a folder for several photos.",
            rich_help_panel="Output",
        ),
    ] = None,
) -> int:
    """Turn dark raw files into bright, clean photos.

    Prints the path of each photo. Exit code 0: all done; 1: some files failed; 2: nothing could be done;
    130: interrupted, with what was made until then.
    """
    settings = enhance_settings(picture, diffusion, output, machine)
    first, more = (images[:1], images[1:]) if stack.stack else (images, [])
    if stack.stack and not more:
        raise SettingsError("--stack: needs two or more frames of one scene; name them all, or drop --stack.")
    if doubt is not None:
        _check_map(doubt, len(first))
    targets = _targets(first, output.output, output.kind())
    maps = _maps(targets, doubt)
    inputs, there, files, failed = Inputs((*images, *preset.files())), [], list[dict[str, object]](), []
    for (source, target), doubt_map in zip(targets, maps, strict=True):
        try:
            check_input(source)
            inputs.refuse(target)  # another input may be called as this one's photo
            inputs.refuse(doubt_map, "--doubt")
        except Exception as error:
            failed.append(_said(error, source))
        else:
            there.append((source, target, doubt_map))
    try:
        if there:
            with _loaded(diffusion.model, machine, settings, output.quiet) as enhancer:
                for source, target, doubt_map in there:
                    try:
                        result = _enhance_one(enhancer, source, target, settings, output, more, doubt_map)
                    except Exception as error:  # whatever this file has in it, the others go on
                        failed.append(_said(error, source))
                        continue
                    files.append({"file": source, **asdict(result)})
                    if not output.as_json:
                        show(result.output)
    except KeyboardInterrupt:
        if output.as_json:
            show_json({"files": files, "failed": failed})
        raise
    if output.as_json:
        show_json({"files": files, "failed": failed})
    return DONE if not failed else SOME_FAILED if files else UNUSABLE


@contextmanager
def _loaded(model: str, machine: PhotoMachineOptions, settings: "EnhanceSettings", quiet: bool) -> Iterator["Enhancer"]:
    """The model, and beside it the process that decodes raws.

    Raises:
        SettingsError: there is no such model or device, or a setting is not the model's.
    """
    with Decoder() as decoder:  # it loads while the networks' libraries and the model do
        from darkdiff_cli.enhancer import Enhancer

        with loading(model, quiet):
            enhancer = Enhancer(model, machine.device, compile=machine.compile == "on", decoder=decoder)
            enhancer.check(settings.sampling)
        yield enhancer


def _said(error: Exception, source: Path) -> dict[str, object]:
    """Say why a file failed, and give what `--json` says of it."""
    sentence = sentence_of(error, source)
    say(sentence)
    if Debug.on:
        tell_traceback(error)
    return {"file": source, "error": sentence}


def _enhance_one(
    enhancer: "Enhancer",
    source: Path,
    target: Path,
    settings: "EnhanceSettings",
    options: OutputOptions,
    more: list[Path],
    doubt_map: Path | None,
) -> "Enhanced":
    """One file, or one and those stacked on it, and what is said of it.

    Raises:
        Exception: as `Enhancer.enhance`.
    """
    with photo_progress(source.name, options.quiet) as report:
        result = enhancer.enhance(source, target, settings, report, more, doubt_map)
    for note in result.notes:
        say(f"{source}: {note}.")
    if not options.quiet:
        stacked = f"{result.frames} frames, " if result.frames > 1 else ""
        picture = f"{result.width}x{result.height}, {result.steps} step{'s' * (result.steps != 1)}"
        tell(f"{source.name}: {stacked}x{result.ratio:.4g}, {picture}")
    return result


def _check_map(doubt: Path, inputs: int) -> None:
    """Refuse a map that is no PNG file and no folder, before anything is made."""
    if doubt.suffix.lower() == ".png":
        if inputs > 1:
            raise SettingsError(f"--doubt {doubt} is one file, but there are {inputs} inputs; give a folder.")
    elif doubt.suffix and not doubt.is_dir():
        raise SettingsError(f"--doubt {doubt}: a map is a PNG file; name it {doubt.stem}.png, or give a folder.")


def _maps(targets: list[tuple[Path, Path]], doubt: Path | None) -> list[Path | None]:
    """Where the map of each photo goes."""
    if doubt is None:
        return [None] * len(targets)
    if doubt.suffix.lower() != ".png" or doubt.is_dir():
        _make_folder(doubt, "--doubt")
        return [doubt / f"{stem}_doubt.png" for stem in numbered([target.stem for _, target in targets])]
    if folded(str(doubt.absolute())) == folded(str(targets[0][1].absolute())):
        raise SettingsError(f"--doubt {doubt}: is the photo itself; give the map another name.")
    return [doubt]


def _make_folder(folder: Path, option: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"{option} {folder}: this folder cannot be made ({error.strerror}); choose another."
        ) from error


def _targets(images: list[Path], output: Path | None, kind: Format) -> list[tuple[Path, Path]]:
    """Where each input goes; inputs that differ by their suffix alone (IMG.ARW, IMG.DNG) keep it in the new name."""
    if output is not None and output.suffix.lower() in FORMATS and not os.path.isdir(output):
        if len(images) > 1:
            raise SettingsError(f"-o {output} is one file, but there are {len(images)} inputs; give a folder.")
        return [(images[0], output)]
    if output is not None:
        _make_folder(output, "-o")
    stems = photo_stems([str((output or image.parent) / image.name) for image in images])
    targets: list[tuple[Path, Path]] = []
    taken: dict[str, Path] = {}
    for image, stem in zip(images, stems, strict=True):
        target = Path(f"{stem}{OWN}{KINDS[kind].suffixes[0]}")
        targets.append((image, target))
        if not os.path.exists(image):
            continue  # it fails, and writes nothing
        if (other := taken.get(folded(str(target)))) == image:
            raise SettingsError(f"{image}: is given twice; give it once.")
        if other is not None:
            raise SettingsError(
                f"{other} and {image} would both write {target}, here or where case makes no difference; run them one "
                "at a time, each with its own -o."
            )
        taken[folded(str(target))] = image
    return targets
