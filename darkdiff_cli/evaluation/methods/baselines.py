"""What models are compared with: other methods, and references that bound the scores."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError

from darkdiff_cli.colour import srgb_decode, srgb_encode
from darkdiff_cli.datasets.eld import other_reference
from darkdiff_cli.errors import InputError, SettingsError
from darkdiff_cli.evaluation.methods.bm3d import denoise_mosaic
from darkdiff_cli.evaluation.methods.method import Method, Picture
from darkdiff_cli.evaluation.sizes import at_the_size_of
from darkdiff_cli.raw import PictureSize, RawFrame, White, develop, finish, network_input, read_raw, render_reference
from darkdiff_cli.raw.libraw_rendering import render_amplified
from darkdiff_cli.raw.rendering import render_linear
from darkdiff_models.devices import pick_device
from darkdiff_models.digest import model_digest
from darkdiff_models.learning.sid_unet import SidUNet
from darkdiff_models.stored import first_line, read_network
from darkdiff_models.tiling.framing import framed, unframed


class Amplified(Method):
    """The dark frame amplified and shown as it is."""

    name = "amplify"

    def render(self, dark: RawFrame, clean: RawFrame | None, ratio: float) -> Picture:  # noqa: ARG002
        """LRGB under the sRGB curve."""
        return render_linear(develop(dark, ratio, "srgb"))


class Libraw(Method):
    """The dark frame amplified and demosaiced by LibRaw (DHT) at the sensor's size: what a plain converter shows.

    Args:
        white: which light becomes white.
    """

    def __init__(self, white: White) -> None:
        self.name, self.white = "libraw", white

    @property
    def identity(self) -> str:
        """Name and white."""
        return f"{self.name} white {self.white}"

    def render(self, dark: RawFrame, clean: RawFrame | None, ratio: float) -> Picture:  # noqa: ARG002
        """LibRaw's picture of the amplified mosaic."""
        picture = self.decode(dark.path, render_amplified, dark, ratio)
        return finish(picture, dark, ratio, self.white).srgb_01


class Bm3d(Method):
    """BM3D on the Bayer planes in the variance-stabilised domain, the noise estimated from the file.

    Args:
        white: which light becomes white.
    """

    def __init__(self, white: White) -> None:
        self.name, self.white = "bm3d", white

    @property
    def identity(self) -> str:
        """Name and white."""
        return f"{self.name} white {self.white}"

    def render(self, dark: RawFrame, clean: RawFrame | None, ratio: float) -> Picture:  # noqa: ARG002
        """The denoised mosaic through the same front end."""
        picture = render_linear(develop(denoise_mosaic(dark), ratio, "srgb"))
        return finish(picture, dark, ratio, self.white).srgb_01


class Regression(Method):
    """The U-Net of See-in-the-Dark, as `train --stage sid-unet` made it.

    Args:
        folder: of the trained network.
        name: in tables.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        white: which light becomes white.

    Raises:
        SettingsError: the folder holds no such network.
    """

    name = "sid-unet"

    def __init__(self, folder: Path, name: str, device: str, white: White) -> None:
        self.folder, self.name, self.white = folder, name, white
        if not (folder / "config.json").is_file():
            raise SettingsError(f"{folder}: holds no sid-unet; train one with `darkdiff train --stage sid-unet`.")
        try:
            self.network = read_network(SidUNet, folder).to(pick_device(device))
        except (OSError, ValueError, SafetensorError) as error:
            raise SettingsError(f"{folder}: is no whole sid-unet ({first_line(error)}).") from error

    @cached_property
    def identity(self) -> str:
        """Name, white and weights."""
        return f"{self.name} white {self.white} {model_digest(self.folder)}"

    @torch.inference_mode()
    def render(self, dark: RawFrame, clean: RawFrame | None, ratio: float) -> Picture:  # noqa: ARG002
        """The network's picture of the amplified Bayer planes."""
        planes = torch.from_numpy(network_input(dark, ratio, "camera", "raw-srgb")).permute(2, 0, 1)[None]
        whole = self.network(framed(planes, self.network.multiple).to(self.network.device))
        picture = unframed(whole, *planes.shape[-2:])[0].clamp(0, 1).permute(1, 2, 0)
        return finish(picture.float().cpu().numpy(), dark, ratio, self.white).srgb_01


class OtherReference(Method):
    """Another well-exposed frame of the same scene, scored as if it were an output: the noise of the reference.

    Args:
        adjust_maximum, size: of the protocol.
    """

    name = "reference against reference"
    needs_clean = True

    def __init__(self, adjust_maximum: bool, size: PictureSize = "half") -> None:
        self.adjust_maximum, self.size = adjust_maximum, size

    def render(self, dark: RawFrame, clean: RawFrame | None, ratio: float) -> Picture:  # noqa: ARG002
        """The reference rendering of ELD's next reference.

        Raises:
            InputError: the set has one reference a scene only.
        """
        assert clean is not None
        other = other_reference(clean.path) if clean.path is not None else None
        if other is None:
            raise InputError(f"{clean.path}: has no second reference beside it; this ceiling is for ELD.")
        frame = self.decode(other, read_raw, other)
        return self.decode(other, render_reference, frame, self.adjust_maximum, self.size)


@dataclass
class BestMatrix(Method):
    """Another method with the best 3x3 colour matrix for each picture: separates colour from detail.

    Attributes:
        method: whose pictures.
        adjust_maximum, size: of the protocol, whose reference they are matched to.
    """

    method: Method
    adjust_maximum: bool
    size: PictureSize = "half"

    def __post_init__(self) -> None:
        self.name, self.needs_clean = f"{self.method.name} best-matrix", True

    @property
    def identity(self) -> str:
        """That of the method."""
        return f"{self.method.identity} best-matrix"

    def render(self, dark: RawFrame, clean: RawFrame | None, ratio: float) -> Picture:
        """Linear light times the matrix that least squares finds against the reference."""
        assert clean is not None
        picture = self.method.render(dark, clean, ratio)
        self.notes = self.method.notes
        rendered = self.decode(clean.path, render_reference, clean, self.adjust_maximum, self.size)
        reference = at_the_size_of(picture, rendered)
        linear, wanted = srgb_decode(picture), srgb_decode(reference)
        height, width = (min(a, b) for a, b in zip(linear.shape[:2], wanted.shape[:2], strict=True))
        ours, theirs = (part[:height, :width].reshape(-1, 3) for part in (linear, wanted))
        matrix, *_ = np.linalg.lstsq(ours, theirs, rcond=None)
        return srgb_encode(linear @ matrix)
