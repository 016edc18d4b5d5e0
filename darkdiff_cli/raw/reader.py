"""Read a camera's raw file. The only module that imports rawpy (LibRaw)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rawpy
from numpy.typing import NDArray

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import srgb_from_camera
from darkdiff_cli.errors import InputError, MemoryLimitError
from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.levels import masked_black
from darkdiff_cli.raw.metadata import read_metadata

MIN_BITS = 0.25  # per pixel; lossless compression needs one bit or more
EXIF_ORIENTATION = {0: 1, 3: 3, 5: 8, 6: 6}  # LibRaw's flip -> EXIF orientation


@contextmanager
def open_raw(path: Path) -> Iterator[rawpy.RawPy]:
    """Open a raw file; every error of LibRaw becomes one sentence.

    Raises:
        InputError: the file is missing, empty, no raw file, truncated, or of a kind that LibRaw cannot decode.
        MemoryLimitError: the decoded frame does not fit into memory.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file; check the path.")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give the raw files in it.")
    try:
        if path.stat().st_size == 0:
            raise InputError(f"{path}: the file is empty; copy it again from the card.")
        path.open("rb").close()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from error
    try:
        with rawpy.imread(str(path)) as raw:
            yield raw
    except rawpy.LibRawFileUnsupportedError as error:
        raise InputError(f"{path}: not a raw file that LibRaw knows; give the camera's original file.") from error
    except rawpy.LibRawTooBigError as error:
        raise InputError(
            f"{path}: claims an impossible size, so it is damaged; copy it again from the card."
        ) from error
    except (rawpy.LibRawIOError, rawpy.LibRawDataError) as error:
        raise InputError(
            f"{path}: is no raw file, or it is truncated or damaged; copy it again from the card."
        ) from error
    except (rawpy.LibRawUnsufficientMemoryError, MemoryError) as error:
        raise MemoryLimitError(f"{path}: does not fit into memory; close other programs and try again.") from error
    except rawpy.LibRawError as error:
        raise InputError(f"{path}: LibRaw cannot decode it ({error}); give the camera's original file.") from error


def read_raw(path: str | Path, black: float | None = None) -> RawFrame:
    """Read a Bayer raw file of any camera that LibRaw decodes.

    Args:
        path: DNG, ARW, NEF, CR2, CR3, RAF, ORF, RW2, PEF or any other Bayer raw.
        black: black level in DN for all channels, instead of the file's own and the masked pixels'.

    Returns:
        RawFrame with its own copy of the visible mosaic, in sensor orientation, black level included.

    Raises:
        InputError: the file is unreadable, holds no Bayer mosaic, or decodes to a frame of one single value.
        MemoryLimitError: the decoded frame does not fit into memory.
    """
    path = Path(path)
    with open_raw(path) as raw:
        _require_bayer(raw, path)
        # LibRaw decodes missing data to whatever its memory held before, without an error.
        if path.stat().st_size * 8 < MIN_BITS * raw.sizes.raw_height * raw.sizes.raw_width:
            raise InputError(f"{path}: is far too small for the picture that it claims; copy it again from the card.")
        mosaic = raw.raw_image_visible.copy()
        cfa = Cfa(tuple("".join("RGBG"[index] for index in row) for row in np.asarray(raw.raw_pattern)))
        if mosaic.min() == mosaic.max():
            raise InputError(f"{path}: decodes to a frame of one single value, so the picture is lost; try a backup.")
        white = _white_level(raw)
        levels = _black_levels(raw, cfa, white) if black is None else (float(black),) * len(cfa.sites)
        if white <= max(levels):
            raise InputError(f"{path}: black level {max(levels):g} is not below white level {white:g}; give --black.")
        return RawFrame(
            mosaic_dn=mosaic,
            cfa=cfa,
            black_level=levels,
            white_level=white,
            white_balance=_white_balance(raw),
            srgb_from_camera=_colour_matrix(raw),
            orientation=EXIF_ORIENTATION.get(raw.sizes.flip, 1),
            metadata=read_metadata(path),
            path=path,
        )


def _require_bayer(raw: rawpy.RawPy, path: Path) -> None:
    pattern = raw.raw_pattern
    if raw.raw_type != rawpy.RawType.Flat or pattern is None:
        raise InputError(f"{path}: holds no Bayer mosaic (linear DNG, sRAW or Foveon); only Bayer raws are supported.")
    if pattern.shape != (2, 2):
        raise InputError(
            f"{path}: has a {pattern.shape[0]}x{pattern.shape[1]} colour filter (X-Trans), which is not supported yet."
        )
    if raw.num_colors != 3 or raw.color_desc not in (b"RGBG", b"RGBE"):
        raise InputError(
            f"{path}: has colour filters {raw.color_desc.decode()}; only red, green and blue are supported."
        )


def _black_levels(raw: rawpy.RawPy, cfa: Cfa, white: float) -> tuple[float, ...]:
    sites = np.asarray(raw.raw_pattern).ravel()
    tagged = tuple(float(raw.black_level_per_channel[index]) for index in sites)
    return masked_black(raw.raw_image, raw.sizes.top_margin, raw.sizes.left_margin, cfa, tagged, white)


def _white_level(raw: rawpy.RawPy) -> float:
    return float(raw.white_level)


def _white_balance(raw: rawpy.RawPy) -> tuple[float, float, float]:
    """As-shot multipliers, else daylight for this camera, else none; the smallest one scaled to 1 as LibRaw does."""
    for source in (raw.camera_whitebalance, raw.daylight_whitebalance):
        rgb = np.asarray(source[:3], dtype=np.float64)
        if np.all(np.isfinite(rgb)) and np.all(rgb > 0):
            red, green, blue = (float(v) for v in rgb / rgb.min())
            return (red, green, blue)
    return (1.0, 1.0, 1.0)


def _colour_matrix(raw: rawpy.RawPy) -> NDArray[np.float64] | None:
    """The file's own matrix where it has one (DNG), else the one in LibRaw's table of cameras, as LibRaw chooses."""
    own = np.array(raw.color_matrix, dtype=np.float64)[:, :3]
    if own[0, 0] > 0.125:  # LibRaw's own test for a matrix worth using
        return own
    table = np.array(raw.rgb_xyz_matrix[:3], dtype=np.float64)
    return srgb_from_camera(table) if np.linalg.matrix_rank(table) == 3 else None
