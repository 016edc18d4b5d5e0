"""Who is scored: models with each of their settings, baselines, ceilings and other programs."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
    from darkdiff_cli.evaluation.methods.method import Method
    from darkdiff_cli.evaluation.protocols.protocol import Protocol
    from darkdiff_cli.raw import White

BASELINES = ("amplify", "bm3d", "stage1", "sid-unet=FOLDER")
CEILINGS = ("clean-input", "clean-latents", "zeroed-latents", "best-matrix", "reference")
SID_UNET = "sid-unet="


class Sweep(NamedTuple):
    """Settings that models are scored with, each with each; None is the model's own."""

    steps: Sequence[int | None] = (None,)
    guidance: Sequence[float | None] = (None,)
    views: Sequence[int | None] = (None,)


@dataclass(frozen=True)
class Lineup:
    """The methods of a run.

    Attributes:
        models: "tiny", folders or hub ids.
        names: of the models in the table; their own where there are none.
        baselines: of `BASELINES`.
        ceilings: of `CEILINGS`.
        external: command templates of other programs.
        sweep: settings of the models.
    """

    models: Sequence[str]
    names: Sequence[str] = ()
    baselines: Sequence[str] = ()
    ceilings: Sequence[str] = ()
    external: Sequence[str] = ()
    sweep: Sweep = field(default_factory=Sweep)

    def methods(self, protocol: "Protocol", seed: int, device: str, tile: int | None = None) -> "list[Method]":
        """Every method, models with each of their settings first; white is white as the protocol renders references.

        Raises:
            SettingsError: a model, a baseline's folder or a command template cannot be used.
        """
        from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
        from darkdiff_cli.raw import ExposureSettings
        from darkdiff_models import SamplingSettings

        enhancers = [Enhancer(model, device) for model in self.models]
        for enhancer, name in zip(enhancers, self.names, strict=False):
            enhancer.model = name
        exposure = ExposureSettings(white="auto" if protocol.adjust_maximum else "file", row_noise=protocol.row_noise)
        plain = EnhanceSettings(exposure, SamplingSettings(seed=seed, tile=tile))
        return [
            *self._models(enhancers, plain),
            *self._beside_models(enhancers, plain, protocol.adjust_maximum),
            *self._others(device, exposure.white),
        ]

    def _models(self, enhancers: "list[Enhancer]", plain: "EnhanceSettings") -> "Iterator[Method]":
        from darkdiff_cli.evaluation.methods.models import Model

        for enhancer in enhancers:
            for steps, guidance, views in itertools.product(*self.sweep):
                sampling = replace(plain.sampling, steps=steps, guidance=guidance, views=views)
                yield Model(enhancer, replace(plain, sampling=sampling))

    def _beside_models(
        self, enhancers: "list[Enhancer]", plain: "EnhanceSettings", adjust_maximum: bool
    ) -> "Iterator[Method]":
        """The baseline and the ceilings of each model, with as many views as the model that they stand beside."""
        from darkdiff_cli.evaluation.methods.baselines import BestMatrix, OtherReference
        from darkdiff_cli.evaluation.methods.models import WithoutDiffusion

        for kind in [*(kind for kind in ("stage1",) if kind in self.baselines), *self.ceilings]:
            if kind == "reference":
                yield OtherReference(adjust_maximum)
            elif kind == "best-matrix":
                only_views = replace(self, sweep=Sweep(views=self.sweep.views))
                yield from (BestMatrix(model, adjust_maximum) for model in only_views._models(enhancers, plain))
            else:
                for enhancer, views in itertools.product(enhancers, self.sweep.views):
                    yield WithoutDiffusion(enhancer, kind, plain.exposure.white, views)  # type: ignore[arg-type]

    def _others(self, device: str, white: "White") -> "Iterator[Method]":
        from darkdiff_cli.evaluation.methods.baselines import Amplified, Bm3d, Regression
        from darkdiff_cli.evaluation.methods.external import External

        yield from (External(template) for template in self.external)
        for word in self.baselines:
            if word.startswith(SID_UNET):
                yield Regression(Path(word.removeprefix(SID_UNET)), device, white)
        if "bm3d" in self.baselines:
            yield Bm3d(white)
        if "amplify" in self.baselines:
            yield Amplified()
