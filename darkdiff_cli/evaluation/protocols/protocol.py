"""Protocols: which pairs are scored, and how. A score without its protocol is worth nothing."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from darkdiff_cli.datasets import lrd
from darkdiff_cli.datasets.eld import eld_pairs
from darkdiff_cli.datasets.rawpairs import RawPair
from darkdiff_cli.datasets.sid import sid_pairs
from darkdiff_cli.errors import InputError, SettingsError
from darkdiff_cli.evaluation.protocols.scenes import scene_pairs, truth_pairs
from darkdiff_cli.raw import ExposureSettings, HotPixels, LineNoise, PictureSize

# The 15 indoor scenes on which the ELD paper evaluates SID (its list SID_Sony_15_paired).
INDOOR = {
    "20188", "20201", "20208", "20210", "20211", "10185", "10187", "10191", "10193", "10198", "10213", "10217",
    "10226", "10227", "10228",
}  # fmt: skip
SUBSETS: dict[Literal["test", "test-val"], str] = {
    "test": "SID Sony test scenes",
    "test-val": "SID Sony test and validation scenes",
}
# The first frame of each burst in the authors' lists.
SID_PAIRS: dict[Literal["test", "test-val"], dict[int, int]] = {
    "test": {100: 29, 250: 29, 300: 35},
    "test-val": {100: 40, 250: 40, 300: 49},
}
ELD_PAIRS = 30  # of a camera and ratio: ten scenes at three sensitivities


@dataclass(frozen=True)
class Protocol:
    """How a set is scored.

    Attributes:
        name, version: printed with every number; the version grows with any change of the rest.
        kind: of the set, as in `--data`.
        pairs: which pairs, in words.
        count: how many pairs the published set has of them; None where any number will do.
        crop: side in pixels of the centre that counts, or None for the whole picture.
        illuminance: scale the output to the reference by least squares first (ELD's correction).
        curve: transfer curve on which is scored, "srgb" or rawpy's default "bt709".
        bits: 8 rounds output and reference to bytes first; None scores floats.
        misaligned: keep SID's misaligned scenes.
        adjust_maximum: white by LibRaw's default (0.75), of the reference and of what is scored, as most published
            numbers have it; else by the file's white level.
        ratio: amplification ratio of the pairs, where the set has several.
        subset: of SID's scenes.
        line_noise: "auto" takes the noise of rows and columns off the raws, "off" leaves it in, as the papers do.
        hot_pixels: "auto" replaces defective photosites, "off" leaves them in, as the papers do.
        size: at which pictures are compared, the sensor's ("full") or half of it; a picture of the other size is
            brought to it.
        reference: what they are compared with, "libraw" for its rendering of the clean raw, or "truth" for a picture
            that lies beside the raws; at half size the means of its 2x2 pixels in linear light.
    """

    name: str
    version: int
    kind: Literal["sid", "eld", "lrd", "scenes"]
    pairs: str
    count: int | None = None
    crop: int | None = None
    illuminance: bool = False
    curve: Literal["srgb", "bt709"] = "srgb"
    bits: int | None = None
    misaligned: bool = True
    adjust_maximum: bool = True
    line_noise: LineNoise = "off"
    hot_pixels: HotPixels = "off"
    ratio: int | None = None
    subset: Literal["test", "test-val", "indoor"] = "test"
    size: PictureSize = "half"
    reference: Literal["libraw", "truth"] = "libraw"

    @property
    def title(self) -> str:
        """Name and version, as printed with every number."""
        return f"{self.name} v{self.version}"

    @property
    def corrections(self) -> ExposureSettings:
        """The corrections of the raws."""
        return ExposureSettings(line_noise=self.line_noise, hot_pixels=self.hot_pixels, crop="sensor")

    def describe(self, found: int | None = None) -> str:
        """Every field in one line.

        Args:
            found: pairs that a folder holds, where one was looked at; what is missing is then said.
        """
        fields = asdict(self)
        area = f"centre {self.crop}" if self.crop else "whole picture"
        depth = f"{self.bits} bit" if self.bits else "float"
        light = "illuminance corrected" if fields["illuminance"] else "no illuminance correction"
        network = "LPIPS v0.1 of AlexNet (lpips) and of VGG where its weights are given (lpips_vgg)"
        white = "LibRaw's adjusted white" if self.adjust_maximum else "the file's white"
        lines = "line noise taken off" if self.line_noise == "auto" else "line noise left in"
        defects = "hot pixels replaced" if self.hot_pixels == "auto" else "hot pixels left in"
        kept = "" if self.misaligned else ", without misaligned scenes"
        pairs = f"{self.pairs}{kept}{self._counted(found)}"
        size = f"{self.size} size against the {'truth' if self.reference == 'truth' else 'rendering by LibRaw'}"
        compared = f"{area}, {light}, {self.curve}, {depth}, {size}, {white}, {lines}, {defects}"
        return f"{self.title}: {pairs}; {compared}, {network}"

    def _counted(self, found: int | None) -> str:
        """Such as ", 29 pairs" or ", 3 of 29 pairs"."""
        if self.count is None or found in (None, self.count):
            count = self.count if found is None else found
            return "" if count is None else f", {count} pair{'s' if count != 1 else ''}"
        return f", {found} of {self.count} pairs"

    def find(self, folder: Path) -> list[RawPair]:
        """The pairs that the protocol scores.

        Raises:
            InputError: the set is missing or not complete.
        """
        pairs = FINDERS[self.kind](self, folder)
        kept = [pair for pair in pairs if self.misaligned or not pair.misaligned]
        if not kept:
            raise InputError(f"{folder}: holds no pair of {self.title} ({self.pairs}).")
        return kept


def _sid(protocol: Protocol, folder: Path) -> list[RawPair]:
    pairs = sid_pairs(folder, "test")
    if protocol.subset != "test":
        pairs += sid_pairs(folder, "validation")
    if protocol.subset == "indoor":
        pairs = [pair for pair in pairs if pair.scene[:5] in INDOOR]
    return [pair for pair in pairs if pair.ratio is not None and round(pair.ratio) == protocol.ratio]


def _eld(protocol: Protocol, folder: Path) -> list[RawPair]:
    assert protocol.ratio is not None
    return eld_pairs(folder, protocol.ratio, "SonyA7S2")


def _lrd(_protocol: Protocol, folder: Path) -> list[RawPair]:
    return lrd.lrd_pairs(folder, "test", ev=-3)


def _scenes(protocol: Protocol, folder: Path) -> list[RawPair]:
    return truth_pairs(folder) if protocol.reference == "truth" else scene_pairs(folder)


FINDERS: dict[str, Callable[[Protocol, Path], list[RawPair]]] = {
    "sid": _sid,
    "eld": _eld,
    "lrd": _lrd,
    "scenes": _scenes,
}


def _full(protocol: Protocol) -> Protocol:
    """The same at the sensor's size."""
    return replace(protocol, name=f"full-{protocol.name}", version=1, size="full")


def _all() -> dict[str, Protocol]:
    twins, truths = "every NAME_xN beside its NAME_clean", "every NAME_xN beside its NAME_truth"
    truth: dict[str, Any] = {
        "reference": "truth",
        "adjust_maximum": False,
        "line_noise": "auto",
        "hot_pixels": "auto",
    }
    found = [
        Protocol("scenes", 2, "scenes", twins, line_noise="auto", hot_pixels="auto"),
        Protocol("scenes-levels", 2, "scenes", twins, adjust_maximum=False, line_noise="auto", hot_pixels="auto"),
        Protocol("full-scenes", 1, "scenes", truths, size="full", **truth),
        Protocol("full-scenes-halved", 1, "scenes", truths, **truth),
    ]
    for ratio in (100, 250, 300):
        for subset, scenes in SUBSETS.items():
            count = SID_PAIRS[subset][ratio]
            words = f"{scenes} at x{ratio}"
            whole = Protocol(f"sid-x{ratio}-{subset}", 3, "sid", words, count, ratio=ratio, subset=subset)
            found += [whole, replace(whole, name=f"{whole.name}-rawpy", curve="bt709", bits=8), _full(whole)]
        indoor = f"the ELD paper's indoor SID scenes at x{ratio}"
        found.append(
            Protocol(
                f"sid-x{ratio}-indoor", 3, "sid", indoor, len(INDOOR), crop=512, illuminance=True, bits=8, ratio=ratio,
                subset="indoor",
            )
        )  # fmt: skip
    for ratio in (100, 200):
        corrected = Protocol(
            f"eld-sony-x{ratio}",
            2,
            "eld",
            f"ELD SonyA7S2 at x{ratio}",
            ELD_PAIRS,
            illuminance=True,
            bits=8,
            ratio=ratio,
        )
        uncorrected = replace(corrected, name=f"{corrected.name}-uncorrected", illuminance=False)
        found += [corrected, uncorrected, _full(corrected)]
    of_lrd = Protocol("lrd-m3ev-60", 2, "lrd", "LRD's test scenes at -3 EV", lrd.PUBLISHED["test"] // 3)
    found += [of_lrd, _full(of_lrd)]
    return {protocol.name: protocol for protocol in found}


PROTOCOLS = _all()


def get_protocol(name: str) -> Protocol:
    """A protocol by name.

    Raises:
        SettingsError: no such protocol; the message lists them.
    """
    if name not in PROTOCOLS:
        raise SettingsError(f"--protocol {name}: no such protocol; choose one of {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[name]
