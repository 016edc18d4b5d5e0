"""The way of one photo, with the loaded model: read, amplify, enhance, write."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from darkdiff_cli.allocator import keep_freed_memory
from darkdiff_cli.errors import DarkdiffError, InputError, MemoryLimitError, SettingsError
from darkdiff_cli.photo import PhotoFormat, Provenance, check_target, upright, write_photo
from darkdiff_cli.raw import RawFrame, White, estimate_ratio, finish, network_input, read_raw
from darkdiff_models import DarkDiffOutput, DarkDiffPipeline
from darkdiff_models.checkpoints import load_pipeline
from darkdiff_models.devices import pick_device

Progress = Callable[[str, int, int], None]
"""(stage, done, in all)."""


@dataclass(frozen=True)
class EnhanceSettings:
    """What decides a picture, beside the raw and the model. None means "as the checkpoint says".

    Attributes:
        ratio: amplification ratio, or "auto" to choose it from the raw.
        ev: exposure compensation in stops on top of the ratio.
        black: black level in DN instead of the file's own.
        white: "auto" adjusts the white level as LibRaw does, "file" takes the file's.
        steps, guidance, sampler: of the diffusion.
        views: mirrored and turned views of the photo whose pictures are averaged.
        tile: side of a denoiser tile in latents.
        seed: of the noise map.
        photo_format: "jpeg" or "tiff".
        bit_depth: 8 or 16.
        overwrite: replace an existing output.
    """

    ratio: float | Literal["auto"] = "auto"
    ev: float = 0.0
    black: float | None = None
    white: White = "auto"
    steps: int | None = None
    guidance: float | None = None
    sampler: str | None = None
    views: int | None = None
    tile: int | None = None
    seed: int = 0
    photo_format: PhotoFormat = "jpeg"
    bit_depth: int = 8
    overwrite: bool = False

    @property
    def white_used(self) -> White:
        """The file's where the user sets the exposure: a lowered white level would take a darkening back."""
        darkened = self.ratio != "auto" and self.ratio < 1
        return "file" if darkened or self.ev != 0 else self.white


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

    Raises:
        SettingsError: no such model or device.
    """

    def __init__(self, model: str = "tiny", device: str = "auto", pipeline: DarkDiffPipeline | None = None) -> None:
        try:
            self.pipeline: DarkDiffPipeline = (pipeline or load_pipeline(model)).to(pick_device(device))
        except (FileNotFoundError, ValueError) as error:
            raise SettingsError(f"{error}.") from error
        if self.pipeline.device.type == "cpu":
            keep_freed_memory()
        self.model = Path(model).name if Path(model).is_dir() else model

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
        check_target(output, settings.overwrite)
        report("read", 0, 1)
        frame = read_raw(source, settings.black)
        ratio = estimate_ratio(frame) if settings.ratio == "auto" else settings.ratio
        ratio *= 2.0**settings.ev
        report("read", 1, 1)
        rendered, result = self.render(frame, ratio, settings, report)
        report("write", 0, 1)
        enhanced = self.write(output, frame, ratio, rendered, result, settings)
        report("write", 1, 1)
        return enhanced

    def render(
        self, frame: RawFrame, ratio: float, settings: EnhanceSettings, report: Progress | None = None
    ) -> tuple[NDArray[np.float32], DarkDiffOutput]:
        """Turn a frame into a picture, in sensor orientation: what `enhance` writes and `bench` scores.

        Args:
            frame: Bayer exposure.
            ratio: amplification ratio.
            settings: of the diffusion.
            report: called as the work goes on.

        Returns:
            (h, w, 3) sRGB in [0, 1], and the pipeline's output with the settings that were used.

        Raises:
            InputError, SettingsError, MemoryLimitError: as `enhance`.
        """
        config: dict[str, Any] = dict(self.pipeline.config)
        name = frame.path or "the frame"
        try:
            image = network_input(frame, ratio, config["lrgb_space"], config["data_format"])
            result = self.pipeline(
                torch.from_numpy(image),
                steps=settings.steps,
                guidance=settings.guidance,
                seed=settings.seed,
                sampler=settings.sampler,
                tile=settings.tile,
                views=settings.views,
                on_progress=report,
            )
        except ValueError as error:
            raise SettingsError(f"{name}: {error}.") from error
        except (MemoryError, RuntimeError) as error:
            raise _explain(error, name, settings.tile or config["tile"]) from error
        picture = finish(result.srgb.numpy(), frame, ratio, config["data_format"], settings.white_used)
        if not np.isfinite(picture).all():
            raise InputError(f"{name}: the model gave values that are no numbers; try --device cpu, or another ratio.")
        return picture, result

    def write(
        self,
        output: Path,
        frame: RawFrame,
        ratio: float,
        rendered: NDArray[np.float32],
        result: DarkDiffOutput,
        settings: EnhanceSettings,
    ) -> Enhanced:
        """Write what `render` made, upright, with the shot's metadata and how it was made.

        Raises:
            OutputError: the target cannot be written.
        """
        picture = upright(rendered, frame.orientation)
        sampler = settings.sampler or dict(self.pipeline.config)["default_sampler"]
        provenance = Provenance(
            model=self.model,
            seed=settings.seed,
            steps=result.steps,
            guidance=result.guidance,
            sampler=sampler,
            views=result.views,
            ratio=round(ratio, 4),
            white=settings.white_used,
        )
        write_photo(
            output, picture, frame.metadata, provenance, settings.photo_format, settings.bit_depth, settings.overwrite
        )
        height, width = picture.shape[:2]
        return Enhanced(output, provenance.ratio, width, height, result.steps, result.guidance)


def _explain(error: BaseException, source: Path | str, tile: int) -> DarkdiffError | RuntimeError:
    """Torch says "out of memory" in several ways, one for each kind of device."""
    memory = isinstance(error, MemoryError | torch.OutOfMemoryError)
    if memory or re.search(r"not enough memory|out of memory|alloc.*memory", str(error), re.IGNORECASE):
        smaller = max(8, tile // 2)
        return MemoryLimitError(f"{source}: does not fit into memory; try --tile {smaller}, or close other programs.")
    return RuntimeError(str(error))
