"""`darkdiff preview`: a contact sheet of raws, before the wait."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from darkdiff_cli.commands.aliases import IMAGES
from darkdiff_cli.commands.console import say, show, show_json
from darkdiff_cli.commands.exits import DONE, SOME_FAILED, UNUSABLE
from darkdiff_cli.commands.options import DiffusionOptions, MachineOptions
from darkdiff_cli.commands.presets import PresetOptions
from darkdiff_cli.commands.preview_options import LookOptions, SheetOptions
from darkdiff_cli.commands.progress import counted_progress, loading
from darkdiff_cli.decoder import Decoder
from darkdiff_cli.errors import InputError, SettingsError
from darkdiff_cli.files import check_input
from darkdiff_cli.inputs import Inputs

MOST_LINES = 100  # of pictures: as many pixels as a photo of 60 megapixels; a JPEG has 65535 rows at most


def preview(
    images: Annotated[list[Path], IMAGES],
    preset: PresetOptions,
    looks: LookOptions,
    diffusion: DiffusionOptions,
    output: SheetOptions,
    machine: MachineOptions,
) -> int:
    """Show raws on a contact sheet before the wait: at several ratios, the automatic one marked, and a crop at 1:1.

    The small pictures are a quick pass: the raw averaged down to 320 pixels, then one view of the model. The crop is
    made as `enhance` makes the photo. Prints the path of the sheet. Exit code 0: all shown; 1: some files failed;
    2: none could be shown.
    """
    settings, photo = looks.settings(diffusion, machine), output.settings()
    _check(images, 1 if len(settings.balances) == 1 else 2)
    Inputs((*images, *settings.exposure.dark, *preset.files())).refuse(output.output)
    from darkdiff_cli.photo import check_target

    check_target(output.output, output.overwrite)
    failed, files = _out_of_reach(images), list[dict[str, Any]]()
    if len(failed) < len(images):  # else no model is needed, which takes seconds to load
        from darkdiff_cli.enhancer import Enhancer
        from darkdiff_cli.preview.run import preview_all, write_sheet

        with Decoder() as decoder:
            with loading(diffusion.model, output.quiet):
                enhancer = Enhancer(diffusion.model, machine.device, decoder=decoder)
                enhancer.check(settings.sampling)
            with counted_progress("preview", output.quiet) as report:
                rows, entries, failures = preview_all(enhancer, images, settings, report)
        failed, files = [asdict(failure) for failure in failures], [asdict(entry) for entry in entries]
    for failure in failed:
        say(failure["error"])
    for entry in files:
        for note in entry["notes"]:
            say(f"{entry['file']}: {note}.")
    if files:
        write_sheet(output.output, rows, enhancer, settings, photo)
    if output.as_json:
        show_json({"sheet": str(output.output) if files else None, "files": files, "failed": failed})
    elif files:
        show(output.output)
    return DONE if not failed else SOME_FAILED if files else UNUSABLE


def _out_of_reach(images: list[Path]) -> list[dict[str, Any]]:
    """What is said of those that are not there, or are no files, as `--json` has it."""
    failed = []
    for image in images:
        try:
            check_input(image)
        except InputError as error:
            failed.append({"file": str(image), "error": str(error)})
    return failed


def _check(images: list[Path], lines: int) -> None:
    """Refuse more files than a sheet holds.

    Args:
        images: raw files.
        lines: of pictures for each file.

    Raises:
        SettingsError: as said.
    """
    most = MOST_LINES // lines
    if len(images) > most:
        raise SettingsError(
            f"a sheet holds at most {most} files" + (" with several --wb" if lines > 1 else "") + f", and there are "
            f"{len(images)}; make several sheets."
        )
