"""Raws read as the program reads them where a file may be anything: in another process, whose memory is watched."""

from contextlib import suppress
from pathlib import Path
from types import TracebackType

from darkdiff_cli.decoder import Decoder
from darkdiff_cli.raw import Exposure, ExposureSettings, read_exposure

MIB = 1024


class WatchedReader:
    """Reads raws in another process and knows how much memory each took. The one place that knows which reader it is.

    Args:
        timeout: seconds that one file may take.
    """

    def __init__(self, timeout: float) -> None:
        self.decoder = Decoder(timeout)
        self.peak_mib = 0.0

    def __enter__(self) -> "WatchedReader":
        self.decoder.start()
        return self

    def __exit__(self, *_error: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.decoder.close()

    def read(self, path: Path, settings: ExposureSettings) -> Exposure:
        """As `read_exposure`; afterwards `peak_mib` is the most memory that the process held meanwhile, 0 if unknown.

        Raises:
            InputError, MemoryLimitError: as the reader says.
        """
        self.peak_mib = 0.0
        status = self._status()
        if status is not None:
            with suppress(OSError):  # Linux 4.0 and newer: the peak begins anew
                (status.parent / "clear_refs").write_text("5")
        try:
            return self.decoder.run(path, read_exposure, path, settings)
        finally:
            status = self._status()
            if status is not None:
                with suppress(OSError):
                    words = status.read_text().split()
                    self.peak_mib = int(words[words.index("VmHWM:") + 1]) / MIB

    def _status(self) -> Path | None:
        process = self.decoder.process
        status = Path(f"/proc/{process.pid}/status") if process is not None else None
        return status if status is not None and status.is_file() else None
