"""DarkDiff models, and what their autoencoders make alone: stage 1 and the ceilings of diffusion."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch

from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
from darkdiff_cli.evaluation.methods.method import Method, Picture
from darkdiff_cli.raw import Exposure, RawFrame, White, finish, network_input
from darkdiff_cli.raw.rendering import srgb_of
from darkdiff_models.digest import folder_of, model_digest

Ceiling = Literal["stage1", "clean-input", "clean-latents", "zeroed-latents"]


@dataclass
class Model(Method):
    """A DarkDiff model with its settings."""

    enhancer: Enhancer
    settings: EnhanceSettings

    def __post_init__(self) -> None:
        given = {name: getattr(self.settings.sampling, name) for name in ("steps", "guidance", "views")}
        extra = "".join(f" {key} {value:g}" for key, value in given.items() if value is not None)
        self.name = f"{self.enhancer.model}{extra}"

    @cached_property
    def identity(self) -> str:
        """Name, settings and weights."""
        return f"{self.name} {self.settings} {model_digest(folder_of(self.enhancer.pipeline))}"

    def render(self, dark: RawFrame, clean: RawFrame | None, ratio: float) -> Picture:  # noqa: ARG002
        """What `enhance` would write."""
        rendered = self.enhancer.render(Exposure(dark, ratio), self.settings)
        self.notes = rendered.notes
        return rendered.srgb_01


@dataclass
class WithoutDiffusion(Method):
    """The autoencoder alone: stage 1, or what diffusion could gain at most.

    Attributes:
        register_colours: of LRGB, as for the pictures that it is compared with (`develop`).
    """

    enhancer: Enhancer
    kind: Ceiling
    white: White
    views: int | None = None
    register_colours: bool = False

    def __post_init__(self) -> None:
        self.name = f"{self.enhancer.model} {self.kind}" + (f" views {self.views}" if self.views else "")
        self.needs_clean = self.kind in ("clean-input", "clean-latents")

    @cached_property
    def identity(self) -> str:
        """Name, white and weights."""
        colours = " registered" if self.register_colours else ""
        return f"{self.name} white {self.white}{colours} {model_digest(folder_of(self.enhancer.pipeline))}"

    def render(self, dark: RawFrame, clean: RawFrame | None, ratio: float) -> Picture:
        """Decode the latents of the noisy or the clean image, or zeros, beside noisy or clean taps."""
        config = dict(self.enhancer.pipeline.config)
        form = (config["lrgb_space"], config["data_format"], self.register_colours)
        noisy = torch.from_numpy(network_input(dark, ratio, *form))
        tidy = None if clean is None else torch.from_numpy(network_input(clean, 1.0, *form))
        image, shown = (tidy, 1.0) if self.kind == "clean-input" else (noisy, ratio)
        latents_of = tidy if self.kind == "clean-latents" else None
        assert image is not None
        srgb = self.enhancer.pipeline.reconstruct(image, latents_of, self.kind == "zeroed-latents", self.views)
        return finish(srgb_of(srgb.numpy(), dark, config["data_format"]), dark, shown, self.white).srgb_01
