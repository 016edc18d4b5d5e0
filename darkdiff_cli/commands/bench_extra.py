"""What `bench` needs beyond the program's own dependencies."""

import importlib.util

from darkdiff_cli.errors import SettingsError

NEEDED = ("skimage", "jinja2")


def needs_extra() -> None:
    """Say so where the extra is not installed.

    Raises:
        SettingsError: it is not.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise SettingsError(f"bench needs {', '.join(missing)}: pip install 'darkdiff[bench]'.")
