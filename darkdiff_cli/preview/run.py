"""From raws to a sheet: one after the other; what cannot be shown is a sentence in its row."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.enhancer import Enhancer
from darkdiff_cli.enhancer.how_made import diffusion
from darkdiff_cli.errors import sentence_of
from darkdiff_cli.photo import PhotoSettings, Provenance, write_photo
from darkdiff_cli.preview.crop import Crop, make_crop
from darkdiff_cli.preview.pictures import Small, small_picture
from darkdiff_cli.preview.sheet import Box, Cell, Row, draw_sheet
from darkdiff_cli.preview.shown import Look, PreviewSettings, Shown, balance_name, shown
from darkdiff_cli.progress import Progress
from darkdiff_cli.words import counted


@dataclass(frozen=True)
class Entry:
    """What is shown of a raw, for machines.

    Attributes:
        file: the path as it was given.
        ratio: the automatic one.
        ratios: all that are shown, in the first white balance.
        balances: name and automatic ratio of every white balance.
        at: middle of the crop in per cent of the upright picture, as `--at` takes it.
        notes: sentences about the raw, without a full stop.
    """

    file: str
    ratio: float
    ratios: tuple[float, ...]
    balances: dict[str, float]
    at: tuple[int, int]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Failure:
    """What cannot be shown of a raw, or that it cannot be shown at all, in one sentence."""

    file: str
    error: str


def preview_all(
    enhancer: Enhancer,
    images: Sequence[Path],
    settings: PreviewSettings,
    report: Progress,
) -> tuple[list[Row], list[Entry], list[Failure]]:
    """Make the row of every raw.

    Args:
        enhancer: the loaded model.
        images: raw files.
        settings: what is shown of each.
        report: called with (name, done, in all).

    Returns:
        A row of each raw in their order, what is shown, and what failed.
    """
    rows: list[Row] = []
    entries: list[Entry] = []
    failures: list[Failure] = []
    for done, (image, name) in enumerate(zip(images, names(images), strict=True)):
        report(name, done, len(images))
        try:
            row, entry, missing = preview_one(enhancer, image, name, settings)
        except Exception as error:  # whatever this file has in it, the others go on
            failures.append(Failure(str(image), sentence_of(error, image)))
            rows.append(Row(name, reasons=(_reason(error, image),)))
            continue
        failures += missing
        rows.append(row)
        entries.append(entry)
    report("", len(images), len(images))
    return rows, entries, failures


def preview_one(
    enhancer: Enhancer, image: Path, name: str, settings: PreviewSettings
) -> tuple[Row, Entry, list[Failure]]:
    """Make the row of one raw, which is read once.

    Returns:
        The row, what is shown, and a failure for each white balance that cannot be had.

    Raises:
        InputError, SettingsError, MemoryLimitError: as `shown` and `Enhancer.render`.
    """
    what = shown(enhancer, image, settings)
    auto = small_picture(enhancer, what.auto, settings.sampling)
    crop = make_crop(enhancer, what.auto, auto, settings)

    def cell(look: Look) -> Cell:
        small = auto if look is what.auto else small_picture(enhancer, look, settings.sampling)
        outlined = _outline(small, crop) if look is what.auto else None
        return Cell(look.label, _bits(small.srgb_01), look is what.auto, outlined)

    lines = tuple(tuple(cell(look) for look in line) for line in (what.ratios, what.balances) if line)
    x, y = crop.place.per_cent
    beside = Cell(f"1:1 at {x},{y}, {what.auto.ratio_name}", _bits(crop.srgb_01))
    reasons = tuple(_reason(error, image) for error in what.missing)
    failures = [Failure(str(image), str(error)) for error in what.missing]
    return Row(name, lines, beside, reasons), _entry(image, what, crop), failures


def write_sheet(
    output: Path, rows: Sequence[Row], enhancer: Enhancer, settings: PreviewSettings, photo: PhotoSettings
) -> None:
    """Draw and write the sheet, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    title = f"model {enhancer.model}; small pictures: a quick pass; 1:1: as darkdiff enhance makes it"
    made = diffusion(enhancer.pipeline.resolved(settings.sampling), settings.halved)
    provenance = Provenance({**enhancer.identity, "preview": counted(len(rows), "file"), **made})
    picture = draw_sheet(title, rows).astype(np.float32) / np.float32(255)
    write_photo(output, picture, CaptureMetadata(), provenance, photo)


def names(images: Sequence[Path]) -> list[str]:
    """What each file is called on the sheet: its name, and where two have the same one, their folder too."""
    plain = [image.name for image in images]
    return [
        name if plain.count(name) == 1 else f"{image.absolute().parent.name}/{name}"
        for image, name in zip(images, plain, strict=True)
    ]


def _reason(error: Exception, image: Path) -> str:
    """The sentence without the path, since the name stands above it."""
    return sentence_of(error, image).removeprefix(f"{image}: ")


def _entry(image: Path, what: Shown, crop: Crop) -> Entry:
    auto = what.auto.exposure
    return Entry(
        file=str(image),
        ratio=auto.ratio,
        ratios=tuple(look.exposure.ratio for look in what.ratios),
        balances={balance_name(look.settings.wb): look.exposure.ratio for look in what.balances or (what.auto,)},
        at=crop.place.per_cent,
        notes=auto.frame.notes,
    )


def _outline(small: Small, crop: Crop) -> Box:
    """Where the crop is in a small picture."""
    (high, wide), place = small.srgb_01.shape[:2], crop.place
    left, top = (place.x - place.width / 2) * wide, (place.y - place.height / 2) * high
    return round(left), round(top), round(left + place.width * wide), round(top + place.height * high)


def _bits(srgb_01: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(srgb_01.clip(0, 1) * 255).astype(np.uint8)
