"""Who is scored: models with each of their settings, baselines, ceilings and other programs."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from darkdiff_cli.errors import SettingsError

if TYPE_CHECKING:
    from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
    from darkdiff_cli.evaluation.methods.method import Method
    from darkdiff_cli.evaluation.protocols.protocol import Protocol
    from darkdiff_cli.raw import White
    from darkdiff_models.sampling_settings import Size

BASELINES = ("amplify", "libraw", "bm3d", "stage1", "sid-unet=FOLDER")
CEILINGS = ("clean-input", "clean-latents", "zeroed-latents", "best-matrix", "reference")
SID_UNET = "sid-unet="
EXTERNAL_TIMEOUT = 900.0  # seconds


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
        names: of the models in the table; where there are none, as much of their folders' names as tells them apart.
        baselines: of `BASELINES`.
        ceilings: of `CEILINGS`.
        external: command templates of other programs.
        external_timeout: seconds that each of their pictures may take.
        sweep: settings of the models.
    """

    models: Sequence[str]
    names: Sequence[str] = ()
    baselines: Sequence[str] = ()
    ceilings: Sequence[str] = ()
    external: Sequence[str] = ()
    external_timeout: float = EXTERNAL_TIMEOUT
    sweep: Sweep = field(default_factory=Sweep)

    def methods(self, protocol: "Protocol", seed: int, device: str, tile: int | None = None) -> "list[Method]":
        """Every method, models with each of their settings first; white is white as the protocol renders references.

        Raises:
            SettingsError: a model, a baseline's folder or a command template cannot be used.
        """
        from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
        from darkdiff_models import SamplingSettings

        enhancers = [Enhancer(model, device) for model in self.models]
        names = self.names or told_apart([enhancer.model for enhancer in enhancers], self.models)
        for enhancer, name in zip(enhancers, names, strict=True):
            enhancer.model = name
        white: White = "auto" if protocol.adjust_maximum else "file"
        exposure = replace(protocol.corrections, white=white)
        size: Size | None = "paper" if protocol.size == "half" and protocol.reference == "libraw" else None
        plain = EnhanceSettings(exposure, SamplingSettings(seed=seed, tile=tile, size=size))
        return [
            *self._models(enhancers, plain),
            *self._beside_models(enhancers, plain, protocol),
            *self._others(device, exposure.white),
        ]

    def _models(self, enhancers: "list[Enhancer]", plain: "EnhanceSettings") -> "Iterator[Method]":
        from darkdiff_cli.evaluation.methods.models import Model

        for enhancer in enhancers:
            for steps, guidance, views in itertools.product(*self.sweep):
                sampling = replace(plain.sampling, steps=steps, guidance=guidance, views=views)
                enhancer.check(sampling)
                yield Model(enhancer, replace(plain, sampling=sampling))

    def _beside_models(
        self, enhancers: "list[Enhancer]", plain: "EnhanceSettings", protocol: "Protocol"
    ) -> "Iterator[Method]":
        """The baseline and the ceilings of each model, with as many views as the model that they stand beside."""
        from darkdiff_cli.evaluation.methods.baselines import BestMatrix, OtherReference
        from darkdiff_cli.evaluation.methods.models import WithoutDiffusion

        rendering = (protocol.adjust_maximum, protocol.size)
        for kind in [*(kind for kind in ("stage1",) if kind in self.baselines), *self.ceilings]:
            if kind == "reference":
                yield OtherReference(*rendering)
            elif kind == "best-matrix":
                only_views = replace(self, sweep=Sweep(views=self.sweep.views))
                yield from (BestMatrix(model, *rendering) for model in only_views._models(enhancers, plain))
            else:
                for enhancer, views in itertools.product(enhancers, self.sweep.views):
                    registered = enhancer.pipeline.resolved(plain.sampling).size == "full"
                    yield WithoutDiffusion(enhancer, kind, plain.exposure.white, views, registered)  # type: ignore[arg-type]

    def _others(self, device: str, white: "White") -> "Iterator[Method]":
        from darkdiff_cli.evaluation.methods.baselines import Amplified, Bm3d, Libraw, Regression
        from darkdiff_cli.evaluation.methods.external import External

        yield from (External(template, self.external_timeout) for template in self.external)
        for word in self.baselines:
            if word.startswith(SID_UNET):
                yield Regression(Path(word.removeprefix(SID_UNET)), device, white)
        if "libraw" in self.baselines:
            yield Libraw(white)
        if "bm3d" in self.baselines:
            yield Bm3d(white)
        if "amplify" in self.baselines:
            yield Amplified()


def told_apart(names: Sequence[str], models: Sequence[str]) -> list[str]:
    """Names of models, with the folders above them where two are alike: "sid/stage2" beside "concat/stage2".

    Raises:
        SettingsError: a model is given twice.
    """
    places = [Path(model).absolute().parts for model in models]
    if len(set(places)) < len(places):
        raise SettingsError(f"--model {', '.join(models)}: one of them is given twice; leave it out.")
    found, depth = list(names), 1
    while len(set(found)) < len(found):
        depth += 1
        longer = ["/".join(place[-depth:]) for place in places]
        found = [long if names.count(name) > 1 else name for long, name in zip(longer, names, strict=True)]
    return found
