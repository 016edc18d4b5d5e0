"""Raws: read, developed, and made into photos; and files of noise, of which there must be no photo."""

import random
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from PIL import Image

from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
from darkdiff_cli.errors import DarkdiffError
from darkdiff_cli.photo import PhotoSettings
from darkdiff_cli.raw import Exposure, ExposureSettings, develop
from tests.conftest import make_pipeline
from tests.fuzz import damage, tiff
from tests.fuzz.kind import Defect, Files, Kind, refused
from tests.fuzz.reading import WatchedReader
from tests.fuzz.seeds import write_raws

TIMEOUT = 20.0  # seconds for a file of some kilobytes
BOUND_MIB = 300.0  # of the reading process, whatever a file of a megabyte claims; it holds 95 before the first file
LARGE = 1_000_000  # bytes of a file, above which the bound grows with it
SETTINGS = (
    ExposureSettings(),
    ExposureSettings(),
    ExposureSettings(wb="auto"),
    ExposureSettings(wb="tungsten", hot_pixels="off"),
    ExposureSettings(crop="sensor", line_noise="off"),
    ExposureSettings(black=100.0, ratio=100.0),
)
KNOWN_SIZES = (311_696, 614_400, 786_432, 1_447_680, 2_465_792)
"""Bytes of files that LibRaw takes for a camera's by their size alone."""
HEADS = (
    b"",
    b"II*\0\x08\0\0\0",
    b"MM\0*\0\0\0\x08",
    b"FUJIFILMCCD-RAW 0201",
    b"\0MRM",
    b"\0\0\0\x18ftypcrx ",
    b"IIU\0",
)
FORMATS = (
    ("a.jpg", PhotoSettings()), ("a.tif", PhotoSettings("tiff", 16)), ("a.png", PhotoSettings("png", 16)),
    ("a.dng", PhotoSettings("dng", 16)),
)  # fmt: skip


class Raws(Kind):
    """Damaged raws, read in a process of their own and developed in this one."""

    name = "raw"

    def __init__(self, workplace: Path, more: Sequence[Path] = ()) -> None:
        super().__init__(workplace)
        folder = workplace / "seeds"
        folder.mkdir()
        self.seeds = {path.name: path.read_bytes() for path in (*write_raws(folder), *more)}
        self.reader = WatchedReader(TIMEOUT)

    def __enter__(self) -> "Raws":
        self.reader.__enter__()
        return self

    def __exit__(self, *error: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.reader.__exit__(*error)

    def damaged(self, rng: random.Random) -> Files:
        name = rng.choice(sorted(self.seeds))
        content, way = self.seeds[name], rng.random()
        if way < 0.05:
            other = self.seeds[rng.choice(sorted(self.seeds))]
            return {name: bytes(damage.spliced(content, other, rng))}
        mutators = tiff.MUTATORS if way < 0.65 and tiff.entries(content) else damage.MUTATORS
        changed = damage.damaged(content, rng, mutators)
        return {name: damage.damaged(changed, rng, most=1) if way > 0.95 else changed}

    def read(self, path: Path, settings: ExposureSettings) -> Exposure:
        """As the reader does, within the bound of memory.

        Raises:
            Defect: it took more memory.
        """
        try:
            return self.reader.read(path, settings)
        finally:
            self.peak_mib = max(self.peak_mib, self.reader.peak_mib)
            if self.reader.peak_mib > BOUND_MIB * max(path.stat().st_size / LARGE, 1):
                raise Defect(f"{self.reader.peak_mib:.0f} MiB of memory for {path.stat().st_size} bytes")

    def tried(self, folder: Path, rng: random.Random) -> str:
        [path] = folder.iterdir()
        settings = rng.choice(SETTINGS)
        try:
            exposure = self.read(path, settings)
        except DarkdiffError as error:
            return refused(error, path.name)
        pixels = develop(exposure.frame, exposure.ratio).pixels
        if not np.isfinite(pixels).all():
            raise Defect("values that are no numbers in the developed picture")
        for note in (*exposure.frame.notes, *exposure.frame.metadata.notes):
            if "\n" in note or note.endswith("."):
                raise Defect(f"no note: {note!r}")
        return "read"


class Photos(Raws):
    """Damaged raws on the whole way: a photo that can be opened, or a sentence and no file at all."""

    name = "photo"

    def __init__(self, workplace: Path, more: Sequence[Path] = ()) -> None:
        super().__init__(workplace, more)
        self.enhancer = Enhancer("toy", "cpu", make_pipeline(tile=16))
        self.made = workplace / "photos"
        self.made.mkdir()

    def tried(self, folder: Path, rng: random.Random) -> str:
        [path] = folder.iterdir()
        name, photo = rng.choice(FORMATS)
        settings, target = EnhanceSettings(rng.choice(SETTINGS), photo=photo), self.made / name
        for old in self.made.iterdir():
            old.unlink()
        try:
            exposure = self.read(path, settings.exposure)
            done = self.enhancer.write(target, self.enhancer.render(exposure, settings), settings)
        except DarkdiffError as error:
            if any(self.made.iterdir()):
                raise Defect("a file is left of a photo that was refused") from error
            return refused(error, path.name)
        if [left.name for left in self.made.iterdir()] != [name]:
            raise Defect(f"beside the photo there is {list(self.made.iterdir())}")
        with Image.open(target) as image:  # of a DNG the preview
            image.load()
            if name != "a.dng" and image.size != (done.width, done.height):
                raise Defect(f"a photo of {image.size} instead of {done.width}x{done.height}")
        return "photo"


class Noise(Raws):
    """Files of random bytes, whole or behind the head of a raw, of any size and of sizes that LibRaw knows."""

    name = "noise"

    def damaged(self, rng: random.Random) -> Files:
        size = rng.choice(KNOWN_SIZES) if rng.random() < 0.5 else rng.randrange(1, 400_000)
        head = rng.choice(HEADS)[:size]
        flat = rng.random() < 0.3  # noise of few values is noise as well
        rest = rng.randbytes(size - len(head))
        return {"noise.raw": head + (bytes(byte & 0x0F for byte in rest) if flat else rest)}

    def tried(self, folder: Path, rng: random.Random) -> str:
        [path] = folder.iterdir()
        try:
            exposure = self.read(path, ExposureSettings())
        except DarkdiffError as error:
            return refused(error, path.name)
        if not any("guess" in note for note in exposure.frame.notes):
            raise Defect(f"a photo of noise without a doubt: {exposure.frame.notes}")
        return "doubted"
