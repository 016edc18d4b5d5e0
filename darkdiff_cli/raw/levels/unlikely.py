"""A black or white level that the picture itself speaks against, which is said and not put right."""

import numpy as np

from darkdiff_cli.raw.frame import RawFrame
from darkdiff_cli.raw.noise import level_without_noise

STEP = 4  # from one photosite that is looked at to the next
DARKEST, MOST, BRIGHT = 0.1, 75.0, 95.0  # percentiles of the pixels
BEYOND = 1.25  # times the white level, which the bright ones are not above
PALE = 0.01  # of the white level, above which the darkest pixels of a scene hardly are, if 0 is black
SIDE, DARK = 16, 1.0  # photosites a side of a block, and the percentile of the blocks that is looked at
BELOW = 1.5e-4  # of the range from black to white: how far blocks may be below black, beside NOISY
NOISY = 2.0  # standard errors of the mean of a block, likewise
FAR = 0.01  # of the white level: how far below black, from which lost data are as likely
VANISHED = 1e-3  # of the range: how far above black noise may seem to vanish
DIM = 0.05  # of the range: spread of the pixels, above which more of what differs is picture than noise
LARGEST_PART = 2048  # photosites, side of the part that is looked at


def unlikely_levels(frame: RawFrame) -> tuple[str, ...]:
    """A note where a frame's white or black level is probably wrong.

    White too low: much of the picture is far beyond it. Black too low: a level of 0 that no pixel is near, or noise
    that would vanish above it. Noise tells it also of a picture without a dark place. Black too high: there is no light
    below black, so the mean of a dark block is not below it either. Of a demosaiced raw, only what is far off is told.
    """
    part = frame.middle(LARGEST_PART)
    if (why := _white_too_low(part)) is not None:
        return (f"white level {frame.white_level:.5g} is unlikely, since {why}",)
    why = _too_high(part) or _too_low(part)
    return () if why is None else (f"black level {frame.black_level.mean:.4g} is unlikely, since {why} (--black)",)


def _white_too_low(frame: RawFrame) -> str | None:
    dn = frame.mosaic_dn[::STEP, ::STEP].astype(np.float32)
    if np.percentile(dn, BRIGHT) <= BEYOND * frame.white_level:
        return None
    return f"the picture goes on up to {dn.max():.5g} DN: the file's tag is wrong, or the file is damaged"


def _too_low(frame: RawFrame) -> str | None:
    level, white = frame.black_level, frame.white_level
    darkest, bright = np.percentile(frame.mosaic_dn[::STEP, ::STEP].astype(np.float32), (DARKEST, MOST))
    if level.highest <= 0 and darkest >= PALE * white:
        return f"hardly a pixel is below {darkest:.0f} DN, unless all of the picture is bright"
    scale = white - level.mean
    above = level_without_noise(frame) if frame.cfa is not None and bright - darkest < DIM * scale else None
    if above is not None:
        above = min(above, darkest - level.mean)  # noise reaches below black, too
    if above is not None and above > VANISHED * scale:
        return f"by the noise, it is above {level.mean + above:.0f} DN: try a higher one"
    return None


def _too_high(frame: RawFrame) -> str | None:
    level, light = frame.black_level.mean, frame.light_dn()
    bright = float(np.percentile(light[::STEP, ::STEP], MOST))
    if bright < -1:  # of noise alone, every second pixel is
        return f"three of four pixels are below {level + bright:.4g} DN: try a lower one"
    if frame.cfa is None or min(light.shape) < SIDE:
        return None
    rows, columns = (length // SIDE for length in light.shape)
    blocks = light[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, SIDE)
    lines = np.std(blocks.mean(axis=3), axis=1), np.std(blocks.mean(axis=1), axis=2)
    # Lines that differ by more than their pixels' noise, as dead ones and lost ones do, say little about the level.
    mean, error = blocks.mean(axis=(1, 3)), np.maximum(*lines) / np.sqrt(SIDE)
    dark, sure = (float(np.percentile(values, DARK)) for values in (mean, mean + NOISY * error))
    if sure < -BELOW * (frame.white_level - level):
        instead = "try that" if dark > -FAR * frame.white_level else "the level is wrong, or the file is damaged"
        return f"the darkest parts are at {level + dark:.4g} DN: {instead}"
    return None
