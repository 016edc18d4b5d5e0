"""Who is scored: models with each of their settings, baselines, ceilings and other programs."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from darkdiff_cli.errors import SettingsError

if TYPE_CHECKING:
    from darkdiff_cli.enhancer import Enhancer, EnhanceSettings
    from darkdiff_cli.evaluation.methods.external import Reference
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
        pictures: folders of finished pictures, FOLDER or NAME=FOLDER.
        external: command templates of other programs, COMMAND or NAME=COMMAND.
        external_reference: what their pictures are judged against.
        external_timeout: seconds that each of their pictures may take.
        sweep: settings of the models.
    """

    models: Sequence[str]
    names: Sequence[str] = ()
    baselines: Sequence[str] = ()
    ceilings: Sequence[str] = ()
    pictures: Sequence[str] = ()
    external: Sequence[str] = ()
    external_reference: "Reference" = "own"
    external_timeout: float = EXTERNAL_TIMEOUT
    sweep: Sweep = field(default_factory=Sweep)

    def methods(
        self, protocol: "Protocol", seed: int, device: str, tile: int | None = None, raws: Sequence[Path] = ()
    ) -> "list[Method]":
        """Every method, models with each of their settings first; white is white as the protocol renders references.

        Args:
            protocol: by which they are scored.
            seed, device, tile: of the models.
            raws: the dark raws of all pairs, whose finished pictures are looked for.

        Raises:
            SettingsError: a model, a baseline's folder, a folder of pictures or a command template cannot be used, or
                two methods would have one name in the table.
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
        found = [
            *self._models(enhancers, plain),
            *self._beside_models(enhancers, plain, protocol),
            *self._of_others(raws),
            *self._baselines(device, exposure.white),
        ]
        _check_names([method.name for method in found])
        return found

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

    def _of_others(self, raws: Sequence[Path]) -> "Iterator[Method]":
        from darkdiff_cli.evaluation.methods.external import External
        from darkdiff_cli.evaluation.methods.finished import Finished

        yield from (Finished(word, raws) for word in self.pictures)
        yield from (External(word, self.external_timeout, self.external_reference) for word in self.external)

    def _baselines(self, device: str, white: "White") -> "Iterator[Method]":
        from darkdiff_cli.evaluation.methods.baselines import Amplified, Bm3d, Libraw, Regression

        folders = [word.removeprefix(SID_UNET) for word in self.baselines if word.startswith(SID_UNET)]
        names = told_apart([Regression.name] * len(folders), folders, "--baseline sid-unet")
        yield from (Regression(Path(place), name, device, white) for place, name in zip(folders, names, strict=True))
        if "libraw" in self.baselines:
            yield Libraw(white)
        if "bm3d" in self.baselines:
            yield Bm3d(white)
        if "amplify" in self.baselines:
            yield Amplified()


def _check_names(names: Sequence[str]) -> None:
    """Refuse two methods of one name, whose scores nobody could tell apart."""
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SettingsError(
            f"two of the methods are called {twice}; leave one of them out, or name it, as in "
            "--external 'mine=COMMAND' and --pictures mine=FOLDER."
        )


def told_apart(names: Sequence[str], models: Sequence[str], option: str = "--model") -> list[str]:
    """Names of models, with the folders above them where two are alike: "sid/stage2" beside "concat/stage2".

    Args:
        names, models: of each its name and its folder.
        option: that gave them, for messages.

    Raises:
        SettingsError: a model is given twice.
    """
    places = [Path(model).absolute().parts for model in models]
    if len(set(places)) < len(places):
        raise SettingsError(f"{option} {', '.join(models)}: one of them is given twice; leave it out.")
    found, depth = list(names), 1
    while len(set(found)) < len(found):
        depth += 1
        longer = ["/".join(place[-depth:]) for place in places]
        found = [long if names.count(name) > 1 else name for long, name in zip(longer, names, strict=True)]
    return found
