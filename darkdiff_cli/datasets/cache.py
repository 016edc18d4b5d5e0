"""Decoded mosaics on disk, so that an epoch does not decode every raw again."""

import hashlib
import json
import os
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from darkdiff_cli.capture import CaptureMetadata
from darkdiff_cli.cfa import Cfa
from darkdiff_cli.decoder import Decoder
from darkdiff_cli.errors import InputError, OutputError
from darkdiff_cli.files import atomically, input_error
from darkdiff_cli.inputs import check_plain
from darkdiff_cli.raw import ExposureSettings, RawFrame
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.corrections import read_corrected

FORMAT = 7  # version of the entries; raise it when the reader gives other frames
DEFAULT_LIMIT_GB = 100.0
AS_THEY_ARE = ("white_level", "orientation", "camera_crop", "pixel_aspect", "balance_source", "daylight", "notes")


class MosaicCache:
    """Decodes raw files once, and maps the stored mosaics into memory from then on.

    They are decoded in a process of its own, one for each process that reads here, since LibRaw may crash on one.

    An entry is keyed by the file's content, so a copied or renamed set is not decoded again, and by the decoder's
    version. Entries are written to a temporary file and renamed, so worker processes and ranks may share the
    folder; at worst, two of them decode the same file. Above the limit the least recently used entries are removed; a
    mosaic that is still mapped stays readable.

    Args:
        folder: folder of the entries; None for the platform's cache directory.
        limit_gb: size limit in gigabytes (10^9 bytes).
        corrections: which corrections the frames get, those of `enhance` by default.
    """

    def __init__(
        self,
        folder: Path | None = None,
        limit_gb: float = DEFAULT_LIMIT_GB,
        corrections: ExposureSettings | None = None,
    ) -> None:
        root = platformdirs.user_cache_path("darkdiff") / "mosaics" if folder is None else folder
        self.folder, self.limit = Path(root), limit_gb * 1e9
        self.settings = corrections or ExposureSettings()

    def read(self, path: Path) -> RawFrame:
        """The corrected frame of a raw, its mosaic a read-only memory map unless it has just been decoded.

        It has all that a pair is made of: no DNG tags, whose corrections are done, and of the metadata the named
        fields alone.

        Raises:
            InputError: the raw cannot be read.
            MemoryLimitError: it does not fit into memory.
            OutputError: the cache folder cannot be used.
        """
        try:
            return self._read(path)
        except (OSError, OutputError) as error:
            reason = getattr(error.__cause__ or error, "strerror", None)
            raise OutputError(
                f"{self.folder}: the cache cannot be used ({reason}); free some space or set --cache."
            ) from error

    def _read(self, path: Path) -> RawFrame:
        key = self._key(path)
        mosaic, fields = self.folder / f"{key}.npy", self.folder / f"{key}.json"
        try:
            frame = _unpack(np.load(mosaic, mmap_mode="r"), json.loads(fields.read_text(encoding="utf-8")), path)
            os.utime(mosaic)
            return frame
        except (FileNotFoundError, ValueError, KeyError):
            pass  # missing, or incomplete after a full disk
        frame = _decoder().run(path, read_corrected, path, self.settings)
        text = json.dumps(_fields(frame))
        _publish(fields, text.encode())
        _publish(mosaic, _npy(frame.mosaic_dn))
        self._trim()
        return _unpack(frame.mosaic_dn, json.loads(text), path)  # as every later reading gives it

    def _key(self, path: Path) -> str:
        """Digest of the file's content; stored under path, size and time, so that it is computed once."""
        try:
            stat = path.stat()
        except OSError as error:
            raise InputError(f"{path}: no such file; the set is not complete.") from error
        check_plain(path)
        used = self.settings
        form = f"{FORMAT}|{version('rawpy')}|lines {used.line_noise}|defects {used.hot_pixels}|crop {used.crop}"
        identity = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{form}"
        note = self.folder / "index" / hashlib.blake2b(identity.encode(), digest_size=16).hexdigest()
        if note.is_file() and len(known := note.read_text(encoding="utf-8")) == 32:
            return known
        digest = hashlib.blake2b(form.encode(), digest_size=16)
        try:
            with path.open("rb") as file:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
        except OSError as error:
            raise input_error(path, error) from error
        _publish(note, digest.hexdigest().encode())
        return digest.hexdigest()

    def _trim(self) -> None:
        sizes = []
        for entry in self.folder.glob("*.npy"):
            try:
                stat = entry.stat()
            except FileNotFoundError:  # another process removed it
                continue
            sizes.append((stat.st_mtime_ns, stat.st_size, entry))
        total = sum(size for _, size, _ in sizes)
        for _, size, entry in sorted(sizes)[:-1]:  # the newest is never removed
            if total <= self.limit:
                return
            entry.unlink(missing_ok=True)
            entry.with_suffix(".json").unlink(missing_ok=True)
            total -= size


@cache
def _decoder() -> Decoder:
    """This process's decoder; the first raw that is not stored yet starts it."""
    return Decoder(module=read_corrected.__module__)


def _publish(path: Path, content: bytes | memoryview) -> None:
    atomically(path, lambda partial: partial.write_bytes(content))


def _npy(mosaic: np.ndarray[Any, Any]) -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    np.save(buffer, np.ascontiguousarray(mosaic))
    return buffer.getvalue()


def _fields(frame: RawFrame) -> dict[str, Any]:
    matrix = None if frame.srgb_from_camera is None else frame.srgb_from_camera.tolist()
    return {
        "cfa": None if frame.cfa is None else list(frame.cfa.pattern),
        "black_level": asdict(frame.black_level),
        "white_balance": frame.white_balance,
        "srgb_from_camera": matrix,
        "metadata": frame.metadata.settings(),
        "sources": dict(frame.sources),
        **{name: getattr(frame, name) for name in AS_THEY_ARE},
    }


def _unpack(mosaic: np.ndarray[Any, Any], fields: dict[str, Any], path: Path) -> RawFrame:
    matrix = fields["srgb_from_camera"]
    rest = {name: fields[name] for name in AS_THEY_ARE}
    rest |= {name: tuple(value) for name, value in rest.items() if isinstance(value, list)}
    return RawFrame(
        mosaic_dn=mosaic,
        cfa=None if fields["cfa"] is None else Cfa(tuple(fields["cfa"])),
        black_level=BlackLevel(**{name: tuple(value) for name, value in fields["black_level"].items()}),
        white_balance=tuple(fields["white_balance"]),
        srgb_from_camera=None if matrix is None else np.array(matrix),
        metadata=CaptureMetadata(**fields["metadata"]),
        sources=fields["sources"],
        path=path,
        **rest,
    )
