"""Read a camera's raw file into a frame."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.errors import InputError, UnreadableError
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.colour_tags import NEUTRAL, colour_matrix, daylight_balance, useless_tags, white_balance
from darkdiff_cli.raw.damage import damage_notes
from darkdiff_cli.raw.dng_layout import layout_doubts
from darkdiff_cli.raw.dng_tags import LINEARIZATION_TABLE, ORIENTATION, DngTags, read_dng_tags
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.headerless import doubts_about
from darkdiff_cli.raw.levels import black_level, white_level
from darkdiff_cli.raw.levels.sources import level_sources
from darkdiff_cli.raw.levels.unlikely import unlikely_levels
from darkdiff_cli.raw.lossy import has_whole_maps
from darkdiff_cli.raw.metadata import read_metadata
from darkdiff_cli.raw.missing_parts import missing_parts, wrong_samples
from darkdiff_cli.raw.opcodes.limits import rises
from darkdiff_cli.raw.opening import Raw, open_raw
from darkdiff_cli.raw.sensor import EXIF_ORIENTATION, camera_crop, colour_filter, read_out
from darkdiff_cli.raw.unsupported import why_not_decoded

MIN_BITS = 0.25  # per pixel; lossless compression needs one bit or more
ENHANCED = "darkdiff made it, so that it is enhanced already; take the camera's raw"


def read_raw(path: str | Path, black: float | None = None) -> RawFrame:
    """Read a raw file of any camera that LibRaw decodes: Bayer, quad Bayer, X-Trans, monochrome, or demosaiced already.

    Args:
        path: DNG, ARW, NEF, CR2, CR3, RAF, ORF, RW2, PEF or any other raw.
        black: black level in DN for all channels, instead of the file's own and the masked pixels'.

    Returns:
        RawFrame with its own copy of the visible mosaic, in sensor orientation, black level included.

    Raises:
        InputError: the file is unreadable, has a filter of other colours, or decodes to a frame of one single value.
        MemoryLimitError: the decoded frame does not fit into memory.
    """
    path, heard = Path(path), list[str]()
    with open_raw(path, heard) as raw:
        frame = _frame(raw, path, black)
    notes = damage_notes(heard, path)
    if not notes and black is None:
        notes = missing_parts(frame) or unlikely_levels(frame)
    return replace(frame, notes=(*frame.notes, *notes))


def _frame(raw: Raw, path: Path, black: float | None) -> RawFrame:
    """As `read_raw`, of a file that is open."""
    _check_size(raw, path)
    dng = read_dng_tags(path)
    if dng is not None:
        _check_maps(dng, path)
    cfa = colour_filter(raw, path, dng)
    readout = read_out(raw, path, cfa, dng)
    mosaic = readout.visible_dn.copy()
    coloured = cfa is None or not cfa.is_monochrome
    balance, balance_source = white_balance(raw, dng) if coloured else NEUTRAL
    if cfa is None and balance_source == "none":
        balance, balance_source = NEUTRAL
    levels, notes = black_level(readout) if black is None else (BlackLevel.uniform(black), ())
    _check_values(mosaic, levels, path)
    white = white_level(readout, levels, balance)
    if white <= levels.highest:
        way = "give --black" if black is None else "give a smaller --black"
        raise InputError(f"{path}: black level {levels.highest:g} is not below white {white:g}; {way}.")
    metadata = replace(read_metadata(path, raw), raw_name=_raw_name(path, dng))
    notes += wrong_samples(readout.wrong)
    notes += doubts_about(path, mosaic, 1 if cfa is None else cfa.period[1], metadata, dng)
    if dng is not None:
        notes += tuple(layout_doubts(dng, (raw.sizes.raw_height, raw.sizes.raw_width)))
        notes += (ENHANCED,) if dng.is_enhanced else ()
    matrix, matrix_source = colour_matrix(raw) if coloured else (None, "monochrome")
    if dng is not None and coloured:
        notes += tuple(useless_tags(dng, balance_source, matrix_source))
    return RawFrame(
        mosaic_dn=mosaic,
        cfa=cfa,
        black_level=levels,
        white_level=white,
        white_balance=balance,
        balance_source=balance_source,
        daylight=daylight_balance(raw, dng) if coloured else None,
        srgb_from_camera=matrix,
        orientation=metadata.orientation or _orientation(raw, dng),
        camera_crop=camera_crop(raw, dng),
        pixel_aspect=raw.sizes.pixel_aspect,
        metadata=metadata,
        dng=dng,
        sources={**level_sources(readout, levels, white, black is not None), "matrix": matrix_source},
        notes=notes,
        path=path,
    )


def _raw_name(path: Path, dng: DngTags | None) -> str | None:
    """The name of the camera's raw: the one that a DNG was made of, or the file's own, if it is none of our photos."""
    if dng is not None and (dng.original_name is not None or dng.is_enhanced):
        return dng.original_name
    return path.name


def _orientation(raw: Raw, dng: DngTags | None) -> int:
    """The EXIF orientation of the shot; 1 where a DNG gives one that EXIF lacks, of which LibRaw makes a turn."""
    if dng is not None and any(not 1 <= value <= 8 for value in dng.integers(ORIENTATION)):
        return 1
    return EXIF_ORIENTATION.get(raw.sizes.flip, 1)


def _check_size(raw: Raw, path: Path) -> None:
    """Refuse a file that cannot hold the picture that it claims, before anything is decoded.

    LibRaw decodes missing data to whatever its memory held before, without an error, and takes all the memory for it.

    Raises:
        InputError: it is of a kind that is not decoded.
        UnreadableError: it is far too small.
    """
    if path.stat().st_size * 8 < MIN_BITS * raw.sizes.raw_height * raw.sizes.raw_width:
        if (why := why_not_decoded(path, unsupported=False)) is not None:
            raise InputError(f"{path}: {why}.")
        raise UnreadableError(f"{path}: is far too small for the picture that it claims; copy it again from the card.")


def _check_maps(dng: DngTags, path: Path) -> None:
    """Refuse a DNG that says wrongly how its stored values become light: LibRaw does as it says.

    Raises:
        UnreadableError: as said.
    """
    table = dng.numbers(LINEARIZATION_TABLE)
    wrong = "OpcodeList2" if dng.is_recoded and not has_whole_maps(dng) else ""
    if table.size > 1 and not rises(table):
        wrong = "its LinearizationTable falls"
    if wrong:
        raise UnreadableError(
            f"{path}: says wrongly how its values are to be mapped ({wrong}); copy it again from the card."
        )


def _check_values(mosaic: NDArray[np.generic], levels: BlackLevel, path: Path) -> None:
    """Refuse a frame of one single value.

    Raises:
        UnreadableError: as said.
    """
    if (value := mosaic.min()) == mosaic.max():
        cause = "no light has reached it" if value <= levels.highest else "all of it is overexposed"
        raise UnreadableError(
            f"{path}: has the value {value:g} at every photosite: {cause}, or its picture is lost; try a backup."
        )
