"""`darkdiff enhance`: raw files to photos."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from darkdiff_cli.commands.options import (
    FORMATS,
    SUFFIXES,
    Format,
    Sampler,
    Views,
    WhitePoint,
    photo_format,
    picture_settings,
)
from darkdiff_cli.commands.progress import photo_progress
from darkdiff_cli.errors import DarkdiffError, SettingsError

if TYPE_CHECKING:
    from darkdiff_cli.enhancer import Enhanced, Enhancer, EnhanceSettings


def enhance(
    images: Annotated[list[Path], typer.Argument(help="Raw files: DNG, ARW, NEF, CR2, CR3, ...", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File (one input) or folder. Default: beside each input.")
    ] = None,
    guidance: Annotated[
        float | None, typer.Option(min=0, help="Guidance scale; higher follows the raw harder. Default: the model's.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, max=1000, help="Denoising steps. Default: the model's.")] = None,
    ratio: Annotated[str, typer.Option(help="Amplification ratio: auto, or a number such as 300.")] = "auto",
    ev: Annotated[
        float, typer.Option(min=-10, max=10, help="Exposure compensation in stops, on top of the ratio.")
    ] = 0.0,
    black: Annotated[float | None, typer.Option(min=0, help="Black level in DN. Default: from the file.")] = None,
    white: Annotated[
        WhitePoint, typer.Option(help="auto: white adjusted as LibRaw does; file: the file's white level.")
    ] = WhitePoint.auto,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the noise; the same seed gives the same picture.")] = 0,
    model: Annotated[str, typer.Option(help="tiny (bundled), a folder, or a hub id.")] = "tiny",
    sampler: Annotated[Sampler | None, typer.Option(help="Diffusion sampler. Default: the model's.")] = None,
    views: Views = None,
    format_: Annotated[
        Format | None, typer.Option("--format", help="Output format. Default: from -o's suffix, else jpeg.")
    ] = None,
    bit_depth: Annotated[int | None, typer.Option(help="8, or 16 for TIFF. Default: 8 for JPEG, 16 for TIFF.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    tile: Annotated[
        int | None, typer.Option(min=8, help="Denoiser tile in latents; smaller needs less memory.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing outputs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> int:
    """Turn dark raw files into vivid, clean photos.

    Prints the path of each photo. Exit code 0: all done; 1: some files failed; 2: nothing could be done.
    """
    kind = photo_format(format_, output)
    settings = picture_settings(
        ratio, ev, black, white, steps, guidance, sampler, views, tile, seed, kind, bit_depth, overwrite
    )
    targets = _targets(images, output, kind)
    from darkdiff_cli.enhancer import Enhancer

    enhancer = Enhancer(model, device)
    done = [_enhance_one(enhancer, source, target, settings, as_json, quiet) for source, target in targets]
    results = [result for result in done if result is not None]
    if as_json:
        print(json.dumps([{k: str(v) if isinstance(v, Path) else v for k, v in asdict(r).items()} for r in results]))
    return 0 if len(results) == len(targets) else 1 if results else 2


def _enhance_one(
    enhancer: "Enhancer", source: Path, target: Path, settings: "EnhanceSettings", as_json: bool, quiet: bool
) -> "Enhanced | None":
    """One file; a failure is one line on stderr and does not stop the others."""
    try:
        with photo_progress(source.name, quiet) as report:
            result = enhancer.enhance(source, target, settings, report)
    except DarkdiffError as error:
        print(f"darkdiff: {error}", file=sys.stderr)
        return None
    if not quiet:
        print(
            f"{source.name}: x{result.ratio:g}, {result.width}x{result.height}, {result.steps} steps", file=sys.stderr
        )
    if not as_json:
        print(result.output)
    return result


def _targets(images: list[Path], output: Path | None, kind: str) -> list[tuple[Path, Path]]:
    """Where each input goes; inputs that differ by their suffix alone (IMG.ARW, IMG.DNG) keep it in the new name."""
    if output is not None and output.suffix.lower() in FORMATS and not output.is_dir():
        if len(images) > 1:
            raise SettingsError(f"-o {output} is one file, but there are {len(images)} inputs; give a folder.")
        return [(images[0], output)]
    if output is not None:
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"-o {output}: cannot be made a folder ({error.strerror}); choose another.") from error
    folders = [output or image.parent for image in images]
    plain = [folder / image.stem for folder, image in zip(folders, images, strict=True)]
    targets: list[tuple[Path, Path]] = []
    taken: dict[Path, Path] = {}
    for image, folder, name in zip(images, folders, plain, strict=True):
        told_apart = image.stem if plain.count(name) == 1 else f"{image.stem}_{image.suffix.lstrip('.')}"
        target = folder / f"{told_apart}_darkdiff{SUFFIXES[kind]}"
        if target in taken:
            raise SettingsError(f"{taken[target]} and {image} would both write {target}; run them apart with -o.")
        taken[target] = image
        targets.append((image, target))
    return targets
