"""`--report` of `batch` and `bench`: which page may be written."""

import os
from collections.abc import Callable
from pathlib import Path

from darkdiff_cli.errors import SettingsError


def check_page(page: Path, is_ours: Callable[[Path], bool]) -> None:
    """Refuse a page that has no place, is no HTML file, or would replace what is not ours.

    Args:
        page: as --report names it.
        is_ours: whether a file is a page of the same command, which may be replaced.

    Raises:
        SettingsError: the page may not be written.
    """
    if page.is_dir() or not page.absolute().parent.is_dir():
        raise SettingsError(f"--report {page}: must be a file in a folder that exists.")
    if page.suffix.lower() not in (".html", ".htm"):
        raise SettingsError(f"--report {page}: is an HTML page; give it a name that ends in .html.")
    if os.path.lexists(page) and not is_ours(page):
        raise SettingsError(f"--report {page}: exists and is no page of darkdiff; choose another name.")
