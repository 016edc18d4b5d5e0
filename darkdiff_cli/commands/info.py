"""`darkdiff info`: what the program sees in raw files, and on which machine."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from darkdiff_cli.capture.words import camera, f_number, shutter
from darkdiff_cli.commands.aliases import IMAGES
from darkdiff_cli.commands.console import rich_text, say, show_json
from darkdiff_cli.commands.machine import this_machine
from darkdiff_cli.decoder import Decoder
from darkdiff_cli.errors import SettingsError, sentence_of

if TYPE_CHECKING:
    from darkdiff_cli.raw.report import Levels, Measured, RawReport, Sensor, Shot

WIDTH = 120  # columns of a table that goes to a file or a pipe
SITES_OF_A_QUAD = 4


def info(
    images: Annotated[list[Path] | None, IMAGES] = None,
    machine: Annotated[
        bool,
        typer.Option(
            "--machine", metavar="", help="Show what the networks run on here: device, precision, attention, threads."
        ),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", metavar="", help="Print everything as JSON, with the versions of program and system."),
    ] = False,
) -> int:
    """Show what the program sees in raw files: levels, colours, noise, the ratio it proposes, and what it cannot do.

    No model is loaded. The position and serial numbers are not shown, so that the output can be put into a bug report.
    Exit code 0: all read; 1: some files failed; 2: none could be read.
    """
    if not images and not machine:
        raise SettingsError("info needs raw files to look at, or --machine.")

    here = this_machine() if machine else None
    if here is not None and not as_json:
        _print(list(asdict(here).items()))
    reports, failed = _read(images or [], as_json)
    if as_json:
        files = [asdict(report) for report in reports]
        from darkdiff_cli.raw.report import environment

        about = asdict(environment()) | ({"machine": asdict(here)} if here is not None else {})
        show_json({**about, "files": files, "failed": failed}, indent=2)
    return 0 if not failed else 1 if reports else 2


def _read(images: list[Path], quiet: bool) -> "tuple[list[RawReport], list[dict[str, str]]]":
    """The report of each file that can be read, printed as soon as it is there unless `quiet`; and the failures."""
    reports: list[RawReport] = []
    failed: list[dict[str, str]] = []
    if not images:
        return reports, failed
    with Decoder(module="darkdiff_cli.raw.report") as decoder:
        from darkdiff_cli.raw.report import read_report

        for image in images:
            try:
                report = decoder.run(image, read_report, image)
            except Exception as error:
                sentence = sentence_of(error, image)
                say(sentence)
                failed.append({"file": str(image), "error": sentence})
                continue
            reports.append(report)
            if not quiet:
                _print(_rows(report), report.file)
    return reports, failed


def _print(rows: "list[tuple[str, object]]", title: str | None = None) -> None:
    """A table of two columns, under a title."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    if title is not None:
        console.print(rich_text(title, style="bold"), soft_wrap=True)
    table = Table(box=None, show_header=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, rich_text(value))
    console.print(table)


def _rows(report: "RawReport") -> "list[tuple[str, object]]":
    sensor, levels, colours, measured = report.sensor, report.levels, report.colours, report.measured
    noise = "too little to measure"
    if measured.gain is not None and measured.read_noise is not None:
        noise = f"{measured.gain:.3g} DN per electron, {measured.read_noise:.3g} DN in the dark"
    rows: list[tuple[str, object]] = [
        ("camera", camera(report.shot.make, report.shot.model) or "unknown"),
        ("lens", report.shot.lens or "unknown"),
        ("shot", _shot(report.shot)),
        ("file", f"{report.bytes / 1e6:.1f} MB, {sensor.bits} bits, decoded as {sensor.samples}"),
        ("size", _sizes(sensor)),
        ("filter", sensor.colour_filter),
        ("black", f"{_black(levels)} ({levels.black_source})"),
        ("white", f"{levels.white:g} ({levels.white_source})"),
        ("white balance", f"{_numbers(colours.white_balance)} ({colours.source})"),
        ("daylight", "unknown" if colours.daylight is None else _numbers(colours.daylight)),
        ("colour matrix", colours.matrix),
        ("noise", noise),
        ("line noise", _lines(measured)),
        ("defects", _defects(measured)),
        ("ratio", f"x{measured.ratio:.4g}"),
    ]
    return rows + [("note", note) for note in report.notes]


def _lines(measured: "Measured") -> str:
    if measured.row_noise is None or measured.column_noise is None:
        return "not measured for this filter"
    return f"rows {measured.row_noise:.2g} DN, columns {measured.column_noise:.2g} DN"


def _defects(measured: "Measured") -> str:
    if measured.defects is None:
        return "not looked for, since the raw is demosaiced already"
    return f"{measured.defects} in the middle {_size(measured.part)}"


def _sizes(sensor: "Sensor") -> str:
    words = [f"{_size(sensor.size)} photosites"]
    if sensor.crop is not None:
        top, left, height, width = sensor.crop
        words.append(f"of these {width}x{height} from ({left}, {top}) on")
    if sensor.pixel_aspect != 1:
        words.append(f"{sensor.pixel_aspect:g} times as wide as high")
    return "; ".join([*words, f"picture {_size(sensor.picture)}", f"orientation {sensor.orientation}"])


def _shot(shot: "Shot") -> str:
    words = [
        shutter(shot.exposure_time),
        f_number(shot.aperture),
        None if shot.iso is None else f"ISO {shot.iso}",
        None if shot.focal_length is None else f"{shot.focal_length:.4g} mm",
        shot.date,
        "position" if shot.has_position else "no position",
    ]
    return ", ".join(word for word in words if word is not None)


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _black(levels: "Levels") -> str:
    """Every value of a quad; of a longer pattern, and where rows or columns add to it, the mean over the frame."""
    if levels.has_lines:
        return f"{_numbers((levels.black_mean,))} on average, each row or column its own"
    if len(levels.black) <= SITES_OF_A_QUAD:
        return _numbers(levels.black)
    least, most = _numbers((min(levels.black),)), _numbers((max(levels.black),))
    return f"{_numbers((levels.black_mean,))} on average, {least} to {most}"


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.6g}" if value >= 100 else f"{value:.4g}" for value in values)
