"""What a photo's file says of how it was made."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from darkdiff_cli.enhancer.settings import EnhanceSettings
from darkdiff_cli.enhancer.values import Rendered
from darkdiff_cli.photo import Provenance
from darkdiff_cli.raw import Exposure, ExposureSettings
from darkdiff_models import Sampling


def how_made(model: dict[str, str], compiled: bool, rendered: Rendered, settings: EnhanceSettings) -> Provenance:
    """Everything that determines the picture.

    Args:
        model: its name and digest, and the arithmetic.
        compiled: the denoiser was compiled, which shows in the last bits.
        rendered: the picture and its source.
        settings: how the raw was developed, and how long the photo may be.
    """
    exposure, long_side = rendered.exposure, settings.photo.long_side
    found = {"ratio": round(exposure.ratio, 4), **_development(settings.exposure), **_stack(exposure)}
    tile = f"{rendered.plan.tiles.tile_height}x{rendered.plan.tiles.tile_width}"  # latents
    by = {"compile": "on"} if compiled else {}
    size = diffusion(rendered.sampling, rendered.halved) | ({} if long_side is None else {"long_side": long_side})
    return Provenance({**model, **size, "tile": tile, **found, **by})


def diffusion(sampling: Sampling, halved: bool) -> dict[str, Any]:
    """Settings of the diffusion by name; the size is half where a picture of full size was halved."""
    found = {name: getattr(sampling, name) for name in ("seed", "steps", "guidance", "sampler", "views")}
    return found | {"size": "half" if halved and sampling.size == "full" else sampling.size}


def _development(exposure: ExposureSettings) -> dict[str, Any]:
    """Settings of the development for the provenance: the white level in effect, and all that are not default."""
    default = asdict(ExposureSettings())
    changed = {name: _plain(value) for name, value in asdict(exposure).items() if value != default[name]}
    return {"white": exposure.white_used} | {k: v for k, v in changed.items() if k not in ("ratio", "ev", "white")}


def _stack(exposure: Exposure) -> dict[str, int | float]:
    """How many frames were stacked and their exposure time together, for the provenance; nothing of a single one."""
    if exposure.frames == 1:
        return {}
    seconds = {} if exposure.seconds is None else {"seconds": round(exposure.seconds, 4)}
    return {"stacked": exposure.frames, **seconds}


def _plain(value: Any) -> Any:
    """Several values as one text."""
    if not isinstance(value, tuple):
        return value
    words = (part.name if isinstance(part, Path) else part for part in value)  # folders are nobody's business
    return ",".join(f"{word:g}" if isinstance(word, float) else str(word) for word in words)
