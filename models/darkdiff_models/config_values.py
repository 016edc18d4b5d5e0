"""What the values of a model's index and configs may be: strangers write these files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from math import inf
from typing import Any, Literal, Protocol, get_args, get_origin

MOST_TIMESTEPS = 10_000  # Stable Diffusion has 1000
MOST_LEVELS = 8  # of a network; Stable Diffusion has 4, and each doubles the size that images are brought to
LARGEST_REGION = 64  # latents along a side; attention inside it takes memory as its fourth power
SMALLEST_TILE = 8  # latents along a side of the autoencoder's tiles
SHOWN = 60  # characters of a value in a sentence


class Allowed(Protocol):
    """Values that a setting may have; its text completes "it must be"."""

    def takes(self, value: Any) -> bool:
        """Whether the setting may have this value."""


@dataclass(frozen=True)
class Number:
    """A number of a range, its ends included; where `whole`, without a point."""

    least: float
    most: float = inf
    whole: bool = False

    def takes(self, value: Any) -> bool:
        """Whether it is one: True is none, and neither are NaN and infinity."""
        kinds = (int,) if self.whole else (int, float)
        return type(value) in kinds and self.least <= value <= self.most and value != inf

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.least:g} on" if self.most == inf else f"{kind} from {self.least:g} to {self.most:g}"


@dataclass(frozen=True)
class OneOf:
    """One of some words, or true or false."""

    words: tuple[str | bool, ...]

    def takes(self, value: Any) -> bool:
        """Whether it is one of them: 1 is not true."""
        return isinstance(value, str | bool) and value in self.words

    def __str__(self) -> str:
        return " or ".join(str(word).lower() if isinstance(word, bool) else word for word in self.words)


@dataclass(frozen=True)
class ListOf:
    """A list of at least one value of a kind; where `optional`, null too."""

    part: Allowed
    most: int
    optional: bool = False

    def takes(self, value: Any) -> bool:
        """Whether it is one."""
        if value is None:
            return self.optional
        return isinstance(value, list) and 1 <= len(value) <= self.most and all(map(self.part.takes, value))

    def __str__(self) -> str:
        return f"{'null or ' * self.optional}a list of 1 to {self.most}, each {self.part}"


SWITCH = OneOf((True, False))
SCALE = Number(1e-4, 1e4)  # to unit variance: 0.18215 in Stable Diffusion, and of one order in all others
SCHEDULE: Mapping[str, Allowed] = {
    "num_train_timesteps": Number(1, MOST_TIMESTEPS, whole=True),
    "beta_start": Number(0, 1),
    "beta_end": Number(0, 1),
    "beta_schedule": OneOf(("linear", "scaled_linear", "squaredcos_cap_v2")),
    "trained_betas": ListOf(Number(0, 1), MOST_TIMESTEPS, optional=True),
    "clip_sample": SWITCH,
    "clip_sample_range": Number(1e-4, 1e4),
    "set_alpha_to_one": SWITCH,
    "steps_offset": Number(0, MOST_TIMESTEPS, whole=True),
    "prediction_type": OneOf(("epsilon", "v_prediction")),
    "thresholding": SWITCH,
    "dynamic_thresholding_ratio": Number(0, 1),
    "sample_max_value": Number(1, 1e4),
    "timestep_spacing": OneOf(("leading", "trailing", "linspace")),
    "rescale_betas_zero_snr": SWITCH,
}
"""Of `DDIMScheduler`: every argument that it takes, and of prediction types the two that this program knows."""


def check_values(file: object, values: Mapping[str, Any], allowed: Mapping[str, Allowed]) -> None:
    """Check what a file says, as far as it is known.

    Args:
        file: its name, for the sentence.
        values: by name; names that `allowed` lacks are passed over.
        allowed: by name.

    Raises:
        ValueError: a value is not allowed; it names file, name and value.
    """
    for name, value in values.items():
        if name in allowed and not allowed[name].takes(value):
            raise ValueError(f"{file}: has {name} {shown(value)}, which is no such setting; it must be {allowed[name]}")


def check_network(file: object, kind: Any, config: Mapping[str, Any]) -> None:
    """Check what a config says of a network of ours: some nonsense would only come up when the network runs.

    Args:
        file: the config's name, for the sentence.
        kind: the class that the index names.
        config: as it was read.

    Raises:
        ValueError: it is another class's, a value is not like the default, or lists of levels do not fit each other.
    """
    check_class(file, kind, config)
    check_values(file, config, network_values(kind))
    widths = config.get("block_out_channels", ())
    for name in ("attention_levels", "num_heads", "blocks"):
        if widths and name in config and len(config[name]) != len(widths):
            raise ValueError(f"{file}: has {name} {shown(config[name])}, and block_out_channels {shown(widths)}")
    if any(width % heads for width, heads in zip(widths, config.get("num_heads", ()), strict=False)):
        raise ValueError(f"{file}: has num_heads that do not divide its block_out_channels")


def check_class(file: object, kind: Any, config: Mapping[str, Any]) -> None:
    """Check that a config is of the class that the index names; arguments as of `check_network`.

    Raises:
        ValueError: it says another.
    """
    if (said := config.get("_class_name", kind.__name__)) != kind.__name__:
        raise ValueError(f"{file}: has _class_name {shown(said)}, and the index {kind.__name__}")


def network_values(kind: Any) -> dict[str, Allowed]:
    """What the config of a network of ours may say: values like its constructor's defaults."""
    known = {"region_size": Number(0, LARGEST_REGION, whole=True)}  # 0: no regions
    given = {name: known.get(name) or _like(one) for name, one in signature(kind.__init__).parameters.items()}
    of_earlier_versions = {"colour_anchor": SWITCH}
    return of_earlier_versions | {name: allowed for name, allowed in given.items() if allowed is not None}


def _like(parameter: Any) -> Allowed | None:
    """What an argument may be; None of one without a default, such as `self`."""
    if get_origin(parameter.annotation) is Literal:
        return OneOf(get_args(parameter.annotation))
    return _like_value(parameter.default)


def _like_value(value: Any) -> Allowed | None:
    if isinstance(value, tuple):
        part = _like_value(value[0])
        return None if part is None else ListOf(part, MOST_LEVELS)
    return SWITCH if isinstance(value, bool) else Number(1, whole=True) if isinstance(value, int) else None


def shown(value: Any) -> str:
    """A value as a file says it, for the middle of a sentence."""
    words = json.dumps(value)
    return words if len(words) <= SHOWN else f"{words[:SHOWN]}..."
