"""Scores that others have published, to stand beside ours."""

import csv
from dataclasses import dataclass
from pathlib import Path

from darkdiff_cli.errors import InputError


@dataclass(frozen=True)
class Published:
    """Scores that others have published.

    Attributes:
        protocol: name of the protocol that they count as.
        method: who.
        scores: by metric, as this program names them.
    """

    protocol: str
    method: str
    scores: dict[str, float]


def read_published(path: Path) -> list[Published]:
    """Published scores from a CSV with the columns protocol, method and any of psnr, ssim, lpips, lpips_vgg.

    Raises:
        InputError: the file cannot be read, lacks a column, or holds something that is no number.
    """
    if not path.is_file():  # a device has no end, and a pipe no beginning
        raise InputError(f"{path}: is no file; give --published a CSV of published scores.")
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return [
            Published(
                row["protocol"],
                row["method"],
                {key: float(row[key]) for key in ("psnr", "ssim", "lpips", "lpips_vgg") if row.get(key)},
            )
            for row in rows
        ]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{path}: is no list of published scores ({error}); its columns are protocol, method, psnr, ssim, lpips."
        ) from error
