"""The way of one photo: read, amplify, enhance, write."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import torch

from darkdiff_cli.allocator import keep_freed_memory
from darkdiff_cli.decoder import Decoder
from darkdiff_cli.enhancer.developed import developed
from darkdiff_cli.enhancer.failures import explaining
from darkdiff_cli.enhancer.finished import finished
from darkdiff_cli.enhancer.how_made import how_made
from darkdiff_cli.enhancer.identity import identity, name_of_model
from darkdiff_cli.enhancer.settings import EnhanceSettings
from darkdiff_cli.enhancer.values import Developed, Enhanced, Rendered
from darkdiff_cli.enhancer.written import write_doubt, write_picture
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.files import unchanged
from darkdiff_cli.inputs import Inputs
from darkdiff_cli.photo import check_target
from darkdiff_cli.progress import Progress
from darkdiff_cli.raw import Exposure, ExposureSettings, RawFrame, read_exposure
from darkdiff_cli.raw.corrections import read_corrected
from darkdiff_cli.raw.stack import read_stack
from darkdiff_models import DarkDiffOutput, DarkDiffPipeline, SamplingSettings
from darkdiff_models.checkpoints import load_pipeline
from darkdiff_models.devices import pick_device

T = TypeVar("T")


class Enhancer:
    """A loaded model that enhances one raw file after the other.

    Args:
        model: "tiny" (bundled), a folder, or a hub id.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        pipeline: an already loaded model; `model` is then only its name.
        precision: of the networks' arithmetic; None takes the device's default.
        compile: have the denoiser compiled, see `compile_denoiser`.
        decoder: the process that decodes raws; None decodes in this one, which a broken file may bring down.

    Raises:
        SettingsError: there is no such model or device, or torch cannot compile for it.
    """

    def __init__(
        self,
        model: str = "tiny",
        device: str = "auto",
        pipeline: DarkDiffPipeline | None = None,
        precision: torch.dtype | None = None,
        compile: bool = False,
        decoder: Decoder | None = None,
    ) -> None:
        try:
            self.pipeline: DarkDiffPipeline = (pipeline or load_pipeline(model)).to(pick_device(device))
            self.pipeline.use_precision(precision)
            if compile:
                self.pipeline.use_compilation()
        except (FileNotFoundError, ValueError) as error:
            raise SettingsError(f"{error}.") from error
        if self.pipeline.device.type == "cpu":
            keep_freed_memory()
        self.decoder = decoder
        self.model = name_of_model(model, self.pipeline)

    def check(self, sampling: SamplingSettings) -> None:
        """Check settings before the first photo is read.

        Raises:
            SettingsError: one is out of range for this model.
        """
        try:
            self.pipeline.resolved(sampling)
        except ValueError as error:
            raise SettingsError(f"{error}.") from error

    @cached_property
    def identity(self) -> dict[str, str]:
        """The model's name and digest and the arithmetic, as a photo's file says them."""
        return identity(self.model, self.pipeline)

    def enhance(
        self,
        source: Path,
        output: Path,
        settings: EnhanceSettings,
        on_progress: Progress | None = None,
        more: Sequence[Path] = (),
        doubt_map: Path | None = None,
    ) -> Enhanced:
        """Turn one raw file into a photo, or several of one scene into one.

        Args:
            source: raw file, never written to.
            output: target file, complete or absent afterwards.
            settings: all settings of the photo.
            on_progress: called with (stage, done, total).
            more: frames of the same scene that are stacked on the first, never written to.
            doubt_map: PNG file that shows where the photo may be wrong, or None.

        Raises:
            InputError: the raw cannot be used.
            OutputError: the target cannot be written.
            SettingsError: a setting is invalid for this model or raw.
            MemoryLimitError: the picture does not fit into memory.
        """
        report = on_progress or (lambda _stage, _done, _total: None)
        inputs = Inputs((source, *more, *settings.exposure.dark))
        inputs.refuse(output)
        inputs.refuse(doubt_map, "--doubt")
        check_target(output, settings.photo.overwrite)
        if doubt_map is not None:
            check_target(doubt_map, settings.photo.overwrite, "--doubt")
            settings = replace(settings, doubt=True)
        report("read", 0, 1 + len(more))
        exposure = self.read_stack((source, *more), settings, report) if more else self.read(source, settings)
        report("read", 1 + len(more), 1 + len(more))
        rendered = self.render(exposure, settings, report)
        report("write", 0, 1)
        enhanced = self.write(output, rendered, settings)
        if doubt_map is not None:
            enhanced = replace(enhanced, doubt=write_doubt(doubt_map, rendered), doubt_map=doubt_map)
        report("write", 1, 1)
        return enhanced

    def decode(self, source: Path, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function that reads a raw, where this enhancer decodes; the file must not change meanwhile.

        Args:
            source: the raw.
            function: of a module.
            arguments: its arguments.

        Raises:
            InputError, MemoryLimitError: as the function, and as `Decoder.run`.
        """
        with unchanged(source):
            if self.decoder is not None:
                return self.decoder.run(source, function, *arguments)
            return function(*arguments)

    def read(self, source: Path, settings: EnhanceSettings) -> Exposure:
        """Read a raw, correct it, and choose its amplification ratio.

        Args:
            source: raw file.
            settings: how it is developed.

        Raises:
            InputError, MemoryLimitError: as `enhance`.
        """
        return self.decode(source, read_exposure, source, settings.exposure)

    def read_stack(
        self, sources: Sequence[Path], settings: EnhanceSettings, report: Progress | None = None
    ) -> Exposure:
        """Read frames of one scene, correct each, and stack them on the first; a file that fails is left out.

        Raises:
            InputError: a file does not fit, the first cannot be used, or fewer than two are left.
            SettingsError: it is one file alone, or one file twice.
            MemoryLimitError: as `enhance`.
        """

        def read(path: Path, given: ExposureSettings) -> RawFrame:
            return self.decode(path, read_corrected, path, given)

        return read_stack(sources, settings.exposure, report, read)

    def render(self, exposure: Exposure, settings: EnhanceSettings, report: Progress | None = None) -> Rendered:
        """Turn a frame into the picture that `enhance` writes and `bench` scores.

        Args:
            exposure: the frame and its amplification ratio.
            settings: settings of the diffusion and the white level.
            report: called with (stage, done, total).

        Raises:
            InputError, SettingsError, MemoryLimitError: as `enhance`.
        """
        report = report or (lambda _stage, _done, _total: None)
        seen = self.develop(exposure, settings)
        report("develop", 1, 1)
        made = self.run_networks(seen, settings, report)
        del seen  # the mosaic's samples are large, and what follows does not need them
        rendered = self.finish(exposure, made, settings)
        report("finish", 1, 1)
        return rendered

    def develop(self, exposure: Exposure, settings: EnhanceSettings) -> Developed:
        """What the networks see of a frame; the work of a processor.

        Raises:
            SettingsError, MemoryLimitError: as `enhance`.
        """
        with explaining(exposure.frame, self.pipeline, settings.sampling):
            return developed(exposure, self.pipeline, settings.sampling)

    def run_networks(
        self, seen: Developed, settings: EnhanceSettings, report: Progress | None = None
    ) -> DarkDiffOutput:
        """The networks' picture; all of a photo's work that is done on their device.

        Raises:
            SettingsError, MemoryLimitError: as `enhance`.
        """
        with explaining(seen.exposure.frame, self.pipeline, settings.sampling):
            return self.pipeline(seen.image, settings.sampling, seen.samples, on_progress=report)

    def finish(self, exposure: Exposure, made: DarkDiffOutput, settings: EnhanceSettings) -> Rendered:
        """The networks' picture at the white level and the strength of the settings; the work of a processor.

        Raises:
            InputError: the networks gave values that are no numbers.
        """
        data_format = dict(self.pipeline.config)["data_format"]
        return finished(exposure, made, settings, data_format, self.model, self.pipeline.device)

    def write(self, output: Path, rendered: Rendered, settings: EnhanceSettings) -> Enhanced:
        """Write the picture of `render` upright, with capture metadata and provenance.

        Raises:
            OutputError: the target cannot be written.
        """
        provenance = how_made(self.identity, self.pipeline.compiled, rendered, settings)
        return write_picture(output, rendered, settings, provenance)
