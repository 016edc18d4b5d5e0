"""What is done with one file of a batch, wherever the batch runs: decode, run the networks, write."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from darkdiff_cli.batch.album.previews import keep_preview, make_preview
from darkdiff_cli.batch.claims import Task
from darkdiff_cli.batch.jobs import Job
from darkdiff_cli.batch.ledger import Entry
from darkdiff_cli.batch.place import Place, gone
from darkdiff_cli.batch.settings import WorkerSettings
from darkdiff_cli.batch.steps import Decoded, Finished, Made, Times
from darkdiff_cli.decoder import Decoder
from darkdiff_cli.enhancer import Enhancer, Rendered
from darkdiff_cli.errors import (
    ChangedError,
    DarkdiffError,
    DecoderError,
    DriveError,
    MemoryLimitError,
    OutputError,
    RefusedError,
    UnreadableError,
    sentence_of,
)
from darkdiff_cli.files import OF_A_DRIVE, number_of, unchanged


class Worker:
    """One loaded model and one decoder process; each step may run in a thread of its own.

    A photo takes three steps: decoding, which brings it into the form that the networks take; the networks; and
    writing, which finishes the picture first. Only the second needs the networks' device.

    Between its steps a photo waits for those before it, which is no work on it: each step is timed alone.

    Args:
        settings: of the batch.
        clock: seconds; as `time.monotonic`.
        enhancer: an already loaded model; None loads the one of the settings.

    Raises:
        SettingsError: no such model or device, or a setting is out of range for it.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        clock: Callable[[], float] = time.monotonic,
        enhancer: Enhancer | None = None,
    ) -> None:
        self.settings, self.clock = settings, clock
        self._places: dict[Path, Place] = {}
        self.decoder = Decoder(settings.timeout, option="--timeout")
        self.decoder.start()  # it loads while the model does
        try:
            self.enhancer = enhancer or Enhancer(settings.model, settings.device, compile=settings.compile)
            self.enhancer.check(settings.picture.sampling)
        except BaseException:
            self.decoder.close()
            raise
        self.enhancer.decoder = self.decoder

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.decoder.close()

    def decode(self, task: Task) -> Decoded:
        """Read a frame, choose its amplification ratio and develop it.

        Raises:
            DarkdiffError: as `Enhancer.read` and `Enhancer.develop`; another card may be in the place of the one that
                was planned, with raws of the same names.
        """
        began, picture = self.clock(), self.settings.picture
        self._place(task.job.folder)
        self._place(task.job.root)
        with unchanged(task.job.source):
            self._check(task)
            exposure = self.enhancer.read(task.job.source, picture)
        developed = self.enhancer.develop(exposure, picture)
        return Decoded(developed, {"decode": (began, self.clock())})

    def _check(self, task: Task) -> None:
        """Check that a raw is still the one that was planned.

        Raises:
            InputError: it has gone, or is another one.
        """
        if task.state not in ("", task.job.state(self.settings.checksum)):
            raise ChangedError(f"{task.job.source}: is not the file that was planned any more; run the batch again.")

    def run_networks(self, decoded: Decoded) -> Made:
        """Run the networks; out of memory, once more with half the tile.

        Raises:
            DarkdiffError: as `Enhancer.run_networks`.
        """
        began, seen, picture = self.clock(), decoded.developed, self.settings.picture
        try:
            output = self.enhancer.run_networks(seen, picture)
        except MemoryLimitError as error:
            if error.smaller_tile is None:
                raise
            sampling = replace(picture.sampling, tile=error.smaller_tile)
            output = self.enhancer.run_networks(seen, replace(picture, sampling=sampling))
            note = f"the picture did not fit into memory, so it was denoised in tiles of {error.smaller_tile} latents"
            output = replace(output, notes=(*output.notes, note))
        return Made(seen.exposure, output, {**decoded.times, "networks": (began, self.clock())})

    def write(self, task: Task, made: "Made | DarkdiffError") -> Finished:
        """Finish the picture and write it, whole or not at all; an error is what became of the task."""
        began, folder = self.clock(), str(task.job.folder.resolve())
        model, arithmetic = self.enhancer.model, self.enhancer.identity["arithmetic"]
        paths = (task.job.relative, task.job.photo)
        entry = Entry(task.key, *paths, "done", folder=folder, model=model, arithmetic=arithmetic, state=task.state)
        try:
            if isinstance(made, DarkdiffError):
                raise made
            picture = self.settings.picture
            settings = replace(picture, photo=replace(picture.photo, overwrite=True))
            rendered = self.enhancer.finish(made.exposure, made.output, settings)
            self._place(task.job.root).make_way(task.job.output)
            done = self.enhancer.write(task.job.output, rendered, settings)
            notes = (*done.notes, *self._keep_preview(task, rendered))
        except Exception as error:  # whatever this file has in it, the others go on
            failed = replace(entry, status="failed", error=sentence_of(error, task.job.source))
            return Finished(
                task,
                failed,
                stop=self._stop(task.job, error),
                away=_away(task.job, error),
                is_unreadable=isinstance(error, UnreadableError),
                is_changed=isinstance(error, ChangedError),
                is_refused=isinstance(error, RefusedError),
            )
        times: Times = {**made.times, "write": (began, self.clock())}
        seconds = round(sum(end - begin for begin, end in times.values()), 2)
        return Finished(task, replace(entry, ratio=done.ratio, seconds=seconds, notes=notes), times=times)

    def _place(self, folder: Path) -> Place:
        if folder not in self._places:
            self._places[folder] = Place(folder)
        return self._places[folder]

    def _stop(self, job: Job, error: Exception) -> str | None:
        """Why the batch cannot go on after a file has failed; None where only that file is to blame."""
        for folder in (job.folder, job.root):
            if self._place(folder).has_gone():
                return gone(folder)
        if isinstance(error, DecoderError):
            return str(error)
        return self._place(job.root).refuses(error)

    def _keep_preview(self, task: Task, rendered: Rendered) -> tuple[str, ...]:
        """Keep the preview of a photo that is written already; without it the photo is as good, so say it and go on."""
        if not self.settings.previews:
            return ()
        try:
            preview = make_preview(task.key, rendered, self.settings.picture.photo.photo_format)
            keep_preview(task.job.root, task.job.photo, preview)
        except Exception as error:
            return (f"the report cannot show it before and after ({sentence_of(error, task.job.source).rstrip('.')})",)
        return ()


def _away(job: Job, error: Exception) -> Path | None:
    """The folder whose drive an error comes from; None where it is another error."""
    if isinstance(error, DriveError):
        return job.folder
    return job.root if isinstance(error, OutputError) and number_of(error) in OF_A_DRIVE else None
