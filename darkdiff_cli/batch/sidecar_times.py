"""Which photos are older than what their raws' sidecars say."""

import os
from contextlib import suppress
from pathlib import Path

from darkdiff_cli.raw.metadata.sidecar import read_xmp


class SidecarTimes:
    """When the sidecars of raws were written last; a folder is listed once, however many raws it has."""

    def __init__(self) -> None:
        self._folders: dict[Path, dict[str, float]] = {}

    def are_newer(self, raw: Path, photo: Path) -> bool:
        """Whether a sidecar that is read for a raw was written after its photo; False where one has gone.

        Args:
            raw: in a folder that is there.
            photo: made of it.
        """
        times = self._of(raw.parent)
        names = {name for name in (f"{raw.name}.xmp".lower(), f"{raw.stem}.xmp".lower()) if name in times}
        if not names:
            return False
        try:
            made = photo.stat().st_mtime
        except OSError:
            return False
        newer = {name for name in names if times[name] > made}
        # Opened only now: an IMG.xmp may be another raw's.
        return bool(newer) and any(source.lower() in newer for source in read_xmp(raw, None).sources.values())

    def _of(self, folder: Path) -> dict[str, float]:
        """Times by name in small letters; none of a sidecar that has gone, or of a folder that cannot be listed."""
        if folder not in self._folders:
            times = self._folders[folder] = {}
            with suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.lower().endswith(".xmp"):
                        with suppress(OSError):  # of this one alone: a link that leads to no file
                            times[entry.name.lower()] = entry.stat().st_mtime
        return self._folders[folder]
