"""The way of one photo, with the loaded model: read, amplify, enhance, write."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from darkdiff_cli.allocator import keep_freed_memory
from darkdiff_cli.errors import DarkdiffError, InputError, MemoryLimitError, SettingsError
from darkdiff_cli.photo import PhotoSettings, Provenance, check_target, upright, write_photo
from darkdiff_cli.raw import Exposure, ExposureSettings, finish, network_input, read_exposure
from darkdiff_models import DarkDiffPipeline, Sampling, SamplingSettings
from darkdiff_models.checkpoints import load_pipeline
from darkdiff_models.devices import pick_device

Progress = Callable[[str, int, int], None]
"""(stage, done, in all)."""
Reader = Callable[[Path, ExposureSettings], Exposure]
"""From a file to a corrected frame and its ratio, as `read_exposure`."""


@dataclass(frozen=True)
class EnhanceSettings:
    """What decides a photo, beside the raw and the model.

    Attributes:
        exposure: how the raw is developed.
        sampling: of the diffusion.
        photo: how the file is written.
    """

    exposure: ExposureSettings = field(default_factory=ExposureSettings)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    photo: PhotoSettings = field(default_factory=PhotoSettings)


@dataclass(frozen=True)
class Rendered:
    """A picture, and what it was made from and with.

    Attributes:
        srgb_01: (h, w, 3) sRGB in [0, 1], in sensor orientation.
        exposure: the frame, and the ratio that it was amplified with.
        sampling: settings of the diffusion, after the checkpoint's defaults.
    """

    srgb_01: NDArray[np.float32]
    exposure: Exposure
    sampling: Sampling


@dataclass(frozen=True)
class Enhanced:
    """A finished photo.

    Attributes:
        output: the file written.
        ratio: amplification ratio, chosen or given, compensation included.
        width, height: in pixels, upright.
        steps, guidance: what was used.
    """

    output: Path
    ratio: float
    width: int
    height: int
    steps: int
    guidance: float


class Enhancer:
    """A loaded model that enhances one raw file after the other.

    Args:
        model: "tiny" (bundled), a folder, or a hub id.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        pipeline: loaded already; `model` is then its name only.
        reader: reads a raw; a batch reads in a process of its own.

    Raises:
        SettingsError: no such model or device.
    """

    def __init__(
        self,
        model: str = "tiny",
        device: str = "auto",
        pipeline: DarkDiffPipeline | None = None,
        reader: Reader = read_exposure,
    ) -> None:
        try:
            self.pipeline: DarkDiffPipeline = (pipeline or load_pipeline(model)).to(pick_device(device))
        except (FileNotFoundError, ValueError) as error:
            raise SettingsError(f"{error}.") from error
        if self.pipeline.device.type == "cpu":
            keep_freed_memory()
        self.model = Path(model).name if Path(model).is_dir() else model
        self.reader = reader

    def enhance(
        self, source: Path, output: Path, settings: EnhanceSettings, on_progress: Progress | None = None
    ) -> Enhanced:
        """Turn one raw file into a photo.

        Args:
            source: Bayer raw, never written to.
            output: target file; whole or absent afterwards.
            settings: what decides the picture.
            on_progress: called as the work goes on.

        Raises:
            InputError: the raw cannot be used.
            OutputError: the target cannot be written.
            SettingsError: settings that the model or the front end refuses.
            MemoryLimitError: the picture does not fit into memory.
        """
        report = on_progress or (lambda _stage, _done, _total: None)
        if output.exists() and source.exists() and output.samefile(source):
            raise SettingsError(
                f"{output}: is the input itself, which is never written to; choose another output with -o."
            )
        check_target(output, settings.photo.overwrite)
        report("read", 0, 1)
        exposure = self.read(source, settings)
        report("read", 1, 1)
        rendered = self.render(exposure, settings, report)
        report("write", 0, 1)
        enhanced = self.write(output, rendered, settings)
        report("write", 1, 1)
        return enhanced

    def read(self, source: Path, settings: EnhanceSettings) -> Exposure:
        """Read a raw, correct it, and choose its amplification ratio.

        Raises:
            InputError, MemoryLimitError: as `enhance`.
        """
        return self.reader(source, settings.exposure)

    def render(self, exposure: Exposure, settings: EnhanceSettings, report: Progress | None = None) -> Rendered:
        """Turn a frame into a picture: what `enhance` writes and `bench` scores.

        Args:
            exposure: the frame and its amplification ratio.
            settings: of the diffusion, and which light becomes white.
            report: called as the work goes on.

        Raises:
            InputError, SettingsError, MemoryLimitError: as `enhance`.
        """
        report = report or (lambda _stage, _done, _total: None)
        frame, ratio, config = exposure.frame, exposure.ratio, dict(self.pipeline.config)
        name = frame.path or "the frame"
        try:
            sampling = self.pipeline.resolved(settings.sampling)
            image = network_input(frame, ratio, config["lrgb_space"], config["data_format"])
            report("develop", 1, 1)
            result = self.pipeline(torch.from_numpy(image), settings.sampling, on_progress=report)
        except ValueError as error:
            raise SettingsError(f"{name}: {error}.") from error
        except (MemoryError, RuntimeError) as error:
            raise _explain(error, name, sampling.tile) from error
        picture = finish(result.srgb.numpy(), frame, ratio, config["data_format"], settings.exposure.white_used)
        if not np.isfinite(picture).all():
            raise InputError(f"{name}: the model gave values that are no numbers; try --device cpu, or another ratio.")
        report("finish", 1, 1)
        return Rendered(picture, exposure, result.sampling)

    def write(self, output: Path, rendered: Rendered, settings: EnhanceSettings) -> Enhanced:
        """Write what `render` made, upright, with the shot's metadata and how it was made.

        Raises:
            OutputError: the target cannot be written.
        """
        frame, used = rendered.exposure.frame, rendered.sampling
        picture = upright(rendered.srgb_01, frame.orientation)
        ratio = round(rendered.exposure.ratio, 4)
        stated = {name: getattr(used, name) for name in ("seed", "steps", "guidance", "sampler", "views")}
        provenance = Provenance({"model": self.model, **stated, "ratio": ratio, **_stated(settings.exposure)})
        write_photo(output, picture, frame.metadata, provenance, settings.photo)
        height, width = picture.shape[:2]
        return Enhanced(output, ratio, width, height, used.steps, used.guidance)


def _stated(exposure: ExposureSettings) -> dict[str, Any]:
    """What a photo says of its development beside the ratio: which light is white, and every other departure."""
    default = asdict(ExposureSettings())
    departures = {name: value for name, value in asdict(exposure).items() if value != default[name]}
    return {"white": exposure.white_used} | {k: v for k, v in departures.items() if k not in ("ratio", "ev", "white")}


def _explain(error: BaseException, source: Path | str, tile: int) -> DarkdiffError | RuntimeError:
    """Torch says "out of memory" in several ways, one for each kind of device."""
    memory = isinstance(error, MemoryError | torch.OutOfMemoryError)
    if memory or re.search(r"not enough memory|out of memory|alloc.*memory", str(error), re.IGNORECASE):
        smaller = max(8, tile // 2)
        sentence = f"{source}: does not fit into memory; try --tile {smaller}, or close other programs."
        return MemoryLimitError(sentence, smaller)
    return RuntimeError(str(error))
