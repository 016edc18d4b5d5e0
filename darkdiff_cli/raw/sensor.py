"""What kind of sensor a raw file holds: its colour filter, its pixels and their part of the sensor."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from darkdiff_cli.cfa import COLOURS, Cfa
from darkdiff_cli.errors import InputError
from darkdiff_cli.raw.binning import can_be_resampled
from darkdiff_cli.raw.dng_tags import CFA, DngTags
from darkdiff_cli.raw.framing import Window, decoder_crop, dng_crop
from darkdiff_cli.raw.levels import Readout, sensor_dn
from darkdiff_cli.raw.lossy import lossy_samples
from darkdiff_cli.raw.opening import Raw
from darkdiff_cli.raw.unsupported import FOVEON, is_foveon

PHOTOMETRIC = 262
CFA_REPEAT, CFA_PATTERN, CFA_LAYOUT = 33421, 33422, 50711  # tags of a DNG
FILTER_COLOURS = "RGBCMYW"  # by their codes in CFAPattern
LARGEST_PERIOD = 16  # photosites; Leaf's Catchlight has it, LibRaw's largest
KNOWN_PERIODS = ((2, 2), (6, 6), (16, 16))  # for which LibRaw's pattern is the sensor's own
OTHER_FILTERS = {
    frozenset("RGBE"): "red, green, blue and emerald (RGBE)",
    frozenset("CMYG"): "cyan, yellow, green and magenta (CYGM)",
    frozenset("RGBW"): "red, green, blue and white (RGBW)",
}  # fmt: skip
EXIF_ORIENTATION = {0: 1, 1: 2, 2: 4, 3: 3, 4: 5, 5: 8, 6: 6, 7: 7}  # LibRaw's flip -> EXIF orientation


def colour_filter(raw: Raw, path: Path, dng: DngTags | None) -> Cfa | None:
    """The colour filter of the visible frame; None of a raw that is demosaiced already.

    Raises:
        InputError: a filter that the program does not develop, by its name.
    """
    if is_foveon(path):
        raise InputError(f"{path}: {FOVEON}.")
    if dng is not None and dng.integers(CFA_LAYOUT, (1,)) != (1,):
        raise InputError(
            f"{path}: has a staggered colour filter (Fuji SuperCCD), which is not supported; use its JPEG."
        )
    try:
        pattern = raw.raw_pattern
    except NotImplementedError as error:
        raise InputError(f"{path}: has a colour filter that LibRaw does not describe; use its JPEG.") from error
    if pattern is None:
        return None
    letters = _tagged_pattern(raw, dng)
    if not letters and dng is not None and dng.integers(PHOTOMETRIC) == (CFA,):  # LibRaw guesses, a new one each time
        raise InputError(
            f"{path}: does not say which colour filter it has, so it is damaged; copy it again from the card."
        )
    if not letters and raw.num_colors == 1:
        return Cfa.monochrome()
    letters = letters or _decoder_pattern(raw, path)
    colours = frozenset("".join(letters))
    if colours - set(COLOURS):
        name = OTHER_FILTERS.get(colours, f"the colours {', '.join(sorted(colours))}")
        raise InputError(
            f"{path}: has a filter of {name}; only red, green and blue are supported, use the camera's JPEG."
        )
    cfa = Cfa(_smallest(letters))
    if max(cfa.period) > LARGEST_PERIOD or (cfa.squares is None and not can_be_resampled(cfa)):
        raise InputError(
            f"{path}: has a colour filter ({cfa.name[:40]}) that no sensor has, so its tags are damaged; copy it again "
            "from the card."
        )
    return cfa


def _tagged_pattern(raw: Raw, dng: DngTags | None) -> tuple[str, ...]:
    """The pattern of a DNG, which LibRaw holds no more than 2 columns of, and calls red, green, blue whatever it is.

    It begins at the ActiveArea (DNG 1.4), as LibRaw's visible frame does within a row and a column.
    """
    if dng is None:
        return ()
    repeat, codes = dng.integers(CFA_REPEAT), dng.content(CFA_PATTERN)
    if len(repeat) != 2 or min(repeat) < 1 or len(codes) != repeat[0] * repeat[1] or max(codes) >= len(FILTER_COLOURS):
        return ()
    top, left = dng.active_corner
    pattern = np.array([FILTER_COLOURS[code] for code in codes]).reshape(repeat)
    pattern = np.roll(pattern, (top - raw.sizes.top_margin, left - raw.sizes.left_margin), axis=(0, 1))
    return tuple("".join(row) for row in pattern)


def _decoder_pattern(raw: Raw, path: Path) -> tuple[str, ...]:
    """The pattern that LibRaw knows, from the first visible photosite (whatever rawpy says of the whole sensor)."""
    pattern = np.asarray(raw.raw_pattern)
    letters = raw.color_desc.decode("latin-1")
    if pattern.shape not in KNOWN_PERIODS or pattern.max() >= len(letters):
        raise InputError(f"{path}: has a colour filter that LibRaw does not describe in full; use the camera's JPEG.")
    return tuple("".join(letters[index] for index in row) for row in pattern)


def _smallest(rows: tuple[str, ...]) -> tuple[str, ...]:
    """The smallest part of a pattern that repeats in it."""

    def period(lines: list[str]) -> int:
        sizes = (n for n in range(1, len(lines) + 1) if len(lines) % n == 0)
        return next(n for n in sizes if lines == lines[:n] * (len(lines) // n))

    high = period(list(rows))
    wide = period(["".join(column) for column in zip(*rows, strict=True)])
    return tuple(row[:wide] for row in rows[:high])


def read_out(raw: Raw, path: Path, cfa: Cfa | None, dng: DngTags | None) -> Readout:
    """The sensor's pixels and the levels that LibRaw knows.

    Raises:
        InputError: a raw that is demosaiced already has no three samples.
    """
    sizes, black = raw.sizes, np.asarray(raw.black_level_per_channel, dtype=np.float64)
    decoded: NDArray[np.generic] = raw.raw_image
    if cfa is None:
        if decoded.ndim != 3 or decoded.shape[2] < 3:
            raise InputError(f"{path}: holds neither a mosaic nor red, green and blue; use the camera's JPEG.")
        decoded, levels = decoded[..., :3], black[:3]
        lossy = lossy_samples(path, dng, decoded.shape) if dng is not None and dng.is_recoded else None
        if lossy is not None:
            decoded, levels = lossy, np.zeros(3)
    else:
        levels = np.full(len(cfa.sites), black.mean())
        pattern = np.asarray(raw.raw_pattern)
        if pattern.shape == cfa.period:
            levels = black[pattern.ravel() % len(black)]
    samples = sensor_dn(decoded, path, dng)
    window = (sizes.top_margin, sizes.left_margin, sizes.height, sizes.width)
    known = tuple(float(v) for v in levels), float(raw.white_level)
    return Readout(samples.dn, *window, cfa, *known, dng, samples.scale, samples.wrong)


def camera_crop(raw: Raw, dng: DngTags | None) -> tuple[int, int, int, int] | None:
    """The (top, left, height, width) of the visible frame that the camera shows, None for all of it."""
    sizes = raw.sizes
    visible = Window(sizes.top_margin, sizes.left_margin, sizes.height, sizes.width)
    if dng is not None:
        return dng_crop(visible, dng)
    crop = Window(sizes.crop_top_margin, sizes.crop_left_margin, sizes.crop_height, sizes.crop_width)
    return decoder_crop(visible, crop)
