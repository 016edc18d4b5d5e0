"""What a sheet shows of each raw: several ratios in one line, and several white balances in another."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from darkdiff_cli.errors import InputError
from darkdiff_cli.raw import Exposure, ExposureSettings, read_exposures
from darkdiff_cli.raw.settings import WhiteBalance
from darkdiff_models import SamplingSettings

if TYPE_CHECKING:
    from darkdiff_cli.enhancer import Enhancer

STOPS = (-2, -1, 0, 1, 2)  # around the automatic ratio, where no ratios are given
SAME = 1e-3  # relative difference of ratios that are shown once


@dataclass(frozen=True)
class PreviewSettings:
    """What a sheet shows.

    Attributes:
        exposure: how the raws are developed; ratio and white balance do not count.
        sampling: of the crop; the small pictures take one view.
        halved: whether the photo would be halved once it is finished, and so the crop.
        ratios: shown beside the automatic one; none: one and two stops below and above it.
        balances: white balances, one or more; the first that can be had is that of the ratios and of the crop.
        at: middle of the crop in per cent of the upright picture, from the left and from the top; None takes the place
            with most detail.
    """

    exposure: ExposureSettings
    sampling: SamplingSettings
    halved: bool = False
    ratios: tuple[float, ...] = ()
    balances: tuple[WhiteBalance, ...] = ("camera",)
    at: tuple[float, float] | None = None


@dataclass(frozen=True)
class Look:
    """One picture of a raw.

    Attributes:
        exposure: the frame in its white balance, and the ratio.
        settings: as `enhance` would be given them for this picture.
    """

    exposure: Exposure
    settings: ExposureSettings

    @property
    def is_auto(self) -> bool:
        """Whether this is the ratio that `--ratio auto` takes."""
        return self.settings.ratio == "auto"

    @property
    def ratio_name(self) -> str:
        """The ratio for people: "x120", "x120 auto"."""
        return f"x{self.exposure.ratio:.4g}" + (" auto" if self.is_auto else "")

    @property
    def label(self) -> str:
        """What stands under the picture."""
        return f"{self.ratio_name}, wb {balance_name(self.settings.wb)}"


@dataclass(frozen=True)
class Shown:
    """The looks at one raw.

    Attributes:
        ratios: in rising order, the automatic one among them.
        balances: each at the ratio that is automatic with it; empty where one white balance is shown.
        missing: an error for each white balance that cannot be had.
    """

    ratios: tuple[Look, ...]
    balances: tuple[Look, ...]
    missing: tuple[InputError, ...] = ()

    @property
    def auto(self) -> Look:
        """The look that `enhance` would take by itself."""
        [look] = [look for look in self.ratios if look.is_auto]
        return look


def shown(enhancer: "Enhancer", path: Path, settings: PreviewSettings) -> Shown:
    """Read a raw once, and choose what is shown of it.

    Raises:
        InputError, MemoryLimitError: as `read_exposures`, and where no white balance can be had.
    """
    plain = replace(settings.exposure, ratio="auto", ev=0.0)
    exposures = enhancer.decode(path, read_exposures, path, plain, settings.balances)
    given = zip(exposures, settings.balances, strict=True)
    autos = [Look(made, replace(plain, wb=wb)) for made, wb in given if isinstance(made, Exposure)]
    missing = tuple(error for error in exposures if isinstance(error, InputError))
    if not autos:
        raise missing[0]
    auto = autos[0].exposure.ratio
    return Shown(
        ratios=tuple(_at_ratio(autos[0], ratio) for ratio in beside(auto, settings.ratios)),
        balances=tuple(autos) if len(autos) > 1 else (),
        missing=missing,
    )


def beside(auto: float, given: Sequence[float]) -> list[float | Literal["auto"]]:
    """The ratios of a line in rising order, "auto" in the place of the automatic one.

    Args:
        auto: the automatic ratio.
        given: the others, in any order; none: one and two stops below and above.
    """
    others = sorted({*given} or {auto * 2.0**stop for stop in STOPS})
    others = [ratio for ratio in others if abs(ratio / auto - 1) > SAME]
    return [*(r for r in others if r < auto), "auto", *(r for r in others if r > auto)]


def _at_ratio(look: Look, ratio: float | Literal["auto"]) -> Look:
    if ratio == "auto":
        return look
    return Look(replace(look.exposure, ratio=ratio), replace(look.settings, ratio=ratio))


def balance_name(balance: WhiteBalance) -> str:
    """A white balance as it is typed after --wb."""
    if isinstance(balance, str):
        return balance
    return f"{balance:g}" if isinstance(balance, float) else ",".join(f"{gain:g}" for gain in balance)
