"""The networks that a stage starts from: a base, a model to go on from, or what an earlier stage of the run trained."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from diffusers import AutoencoderKL
from safetensors import SafetensorError

from darkdiff_cli.errors import SettingsError
from darkdiff_cli.training.recipe.recipe import Recipe
from darkdiff_cli.training.recipe.shapes import DetailShape
from darkdiff_models import DarkDiffPipeline, ResidualAutoencoderKL
from darkdiff_models.base_models import Base, load_base, load_base_autoencoder
from darkdiff_models.checkpoints import load_pipeline
from darkdiff_models.detail import Detail
from darkdiff_models.detail.deepening import deepened
from darkdiff_models.networks.surgery import residual_autoencoder
from darkdiff_models.networks.widening import widened
from darkdiff_models.stored import Network, first_line, read_network

Loaded = TypeVar("Loaded")


@dataclass(frozen=True)
class Beginning:
    """Where the networks of a run come from.

    Attributes:
        recipe: what is trained.
        output: folder of the run, with what its earlier stages trained.
        base: Stable Diffusion checkpoint to retask; empty for the recipe's, or the run's own stage 0.
        start: DarkDiff model to go on from instead; empty to begin with the base.
    """

    recipe: Recipe
    output: Path
    base: str
    start: str

    def model(self) -> DarkDiffPipeline:
        """The model to go on from.

        Raises:
            SettingsError: it cannot be loaded, or sees pictures in another form than the recipe.
        """
        try:
            model = load_pipeline(self.start)
        except (FileNotFoundError, ValueError) as error:
            raise SettingsError(f"--start: {error}.") from error
        for name in ("lrgb_space", "data_format"):
            theirs, ours = dict(model.config)[name], getattr(self.recipe, name)
            if theirs != ours:
                raise SettingsError(
                    f"--start {self.start}: was trained with {name}: {theirs}, recipe {self.recipe.name} says {ours}."
                )
        return model

    def wide_enough(self, vae: ResidualAutoencoderKL) -> ResidualAutoencoderKL:
        """The autoencoder to go on from, in the widths of the recipe's own where it has them."""
        if self.recipe.stage0 is None:
            return vae
        shape = self.recipe.stage0.autoencoder_shape
        if tuple(vae.config["block_out_channels"]) == shape.block_out_channels:
            return vae
        try:
            return widened(vae, shape.block_out_channels, shape.norm_num_groups)
        except ValueError as error:
            raise SettingsError(f"--start {self.start}: {error}; change autoencoder_shape in the recipe.") from error

    def deep_enough(self, detail: Detail | None, shape: DetailShape) -> Detail:
        """The network for full size to go on from, with the recipe's blocks; a new one where there is none."""
        if detail is None:
            return Detail(shape.block_out_channels, shape.blocks)
        widths = tuple(detail.config["block_out_channels"])
        try:
            if widths != shape.block_out_channels:
                raise ValueError(f"a network of widths {widths} cannot be widened to {shape.block_out_channels}")
            return deepened(detail, shape.blocks)
        except ValueError as error:
            raise SettingsError(f"--start {self.start}: {error}; change stage3.shape in the recipe.") from error

    def retasked_autoencoder(self) -> ResidualAutoencoderKL:
        """The base's autoencoder as stage 1 begins with it."""
        into = 3 if self.recipe.data_format == "lrgb-srgb" else 4
        out = 4 if self.recipe.data_format == "raw-raw" else 3
        return residual_autoencoder(self.base_autoencoder(), self.recipe.stage1.residual, into, out)

    def plain_autoencoder(self) -> AutoencoderKL:
        """The autoencoder of the run's own stage 0.

        Raises:
            SettingsError: it cannot be read.
        """
        return self.stored(AutoencoderKL, self.output / "stage0-autoencoder" / "vae")

    def trained_autoencoder(self) -> ResidualAutoencoderKL:
        """The autoencoder that this run's stage 1 trained.

        Raises:
            SettingsError: it has not, or it cannot be read.
        """
        return self.stored(ResidualAutoencoderKL, self.autoencoder())

    def autoencoder(self) -> Path:
        """The folder of the autoencoder that this run's stage 1 trained.

        Raises:
            SettingsError: it has not.
        """
        return self._folder("stage1", "vae")

    def finished(self) -> Path:
        """The folder of the model that this run's stage 2 trained.

        Raises:
            SettingsError: it has not.
        """
        return self._folder("stage2", "unet").parent

    def stored(self, kind: type[Network], folder: Path) -> Network:
        """A network that an earlier stage of this run stored."""
        try:
            return read_network(kind, folder)
        except (OSError, ValueError, SafetensorError) as error:
            raise SettingsError(f"{folder}: cannot be gone on from ({first_line(error)}); train it again.") from error

    def base_model(self) -> Base:
        """The Stable Diffusion that is retasked, the user's, the recipe's or the run's own.

        Raises:
            SettingsError: it is missing or cannot be loaded.
        """
        return self._from_base(load_base)

    def base_autoencoder(self) -> AutoencoderKL:
        """Its autoencoder alone.

        Raises:
            SettingsError: as `base_model`.
        """
        return self._from_base(load_base_autoencoder)

    def _from_base(self, load: Callable[[str | Path], Loaded]) -> Loaded:
        base = self.base or self.recipe.base or self._folder("stage0-denoiser", "unet").parent
        try:
            return load(base)
        except (FileNotFoundError, ModuleNotFoundError) as error:
            raise SettingsError(f"{error}.") from error

    def _folder(self, stage: str, part: str) -> Path:
        folder = self.output / stage / part
        if not folder.is_dir():
            number = stage.removeprefix("stage")[0]
            raise SettingsError(
                f"{folder}: is missing; run `darkdiff train --stage {number} --recipe {self.recipe.name}` with this "
                "--output first."
            )
        return folder
