"""Fit and show `--ratio auto`: the coefficients of `darkdiff_cli/raw/ratio_fit.py`, their errors, and `auto-ratio.png`.

    python docs/make_auto_ratio.py PHOTOS [--anchor RAW=RATIO ...] [--plot docs/guide/auto-ratio.png]

PHOTOS is a folder of well-exposed photographs. Each is unprocessed to raws that got 1 to 300 times less light; half of
the photographs is fitted to, the other half is shown. An anchor is a raw whose ratio is settled: the fit passes by it.
"""

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from darkdiff_cli.cfa import Cfa
from darkdiff_cli.colour import LUMINANCE_WEIGHTS, srgb_decode, srgb_encode, srgb_from_camera
from darkdiff_cli.raw import ExposureSettings, RawFrame, read_exposure
from darkdiff_cli.raw.black_level import BlackLevel
from darkdiff_cli.raw.corrections import corrected
from darkdiff_cli.raw.ratio import KEY, MAX_RATIO, MIN_RATIO, LitPart, lit_part
from darkdiff_cli.synthesis import expose, unprocess
from darkdiff_cli.synthesis.noise import load_calibrations, sample_noise
from darkdiff_cli.synthesis.unprocess import random_sensor

LONGEST = 608  # LRGB pixels along the longer side: coarser than any camera, so noisier in the blocks
DRAWS = 10  # raws made of each photograph
RIDGE = 1e-4
WALLS, WALL_WEIGHT = 60, 0.02  # of all rows, each: noise in an even wall is no contrast
ANCHOR_WEIGHT = 2.0  # times all rows, each: the fit passes through them
STEPS = 30  # of reweighting: squared error near the line, absolute error far from it
NEAR = 0.5  # stops
TENTH_LEVEL = 0.1  # linear luminance (sRGB 89) that a tenth of a photograph with something lit in it reaches

Light = NDArray[np.float32]
"""(2h, 2w) light on the sensor, 1 = saturation of the well-exposed photograph."""


def plain(light: Light, _rng: np.random.Generator) -> Light:
    """The photograph as it is."""
    return light


def highlights(light: Light, rng: np.random.Generator) -> Light:
    """The brightest twentieth at most gets back what the photograph clipped: up to four stops more."""
    peak = light.reshape(light.shape[0] // 2, 2, -1, 2).max(axis=(1, 3))
    start = max(0.8 * peak.max(), float(np.quantile(peak, 0.95)))
    gain = 1 + (2.0 ** rng.uniform(0, 4) - 1) * np.clip((peak - start) / (1.0001 * peak.max() - start), 0, 1)
    return light * np.kron(gain, np.ones((2, 2))).astype(np.float32)


def lamps(light: Light, rng: np.random.Generator) -> Light:
    """Up to twelve lamps, 1 to 100 times as bright as white, in up to a twentieth of the picture."""
    lit = light.copy()
    area = rng.uniform(0.002, 0.05) * light.size / (count := int(rng.integers(1, 13)))
    y, x = np.ogrid[: light.shape[0], : light.shape[1]]
    for _ in range(count):
        centre = rng.uniform(0, 1, 2) * light.shape
        disc = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < area / np.pi
        lit[disc] = 100 ** rng.uniform()
    return lit


def circle(light: Light, rng: np.random.Generator) -> Light:
    """A fisheye's circle."""
    radius = rng.uniform(0.35, 0.5) * min(light.shape)
    return _disc(light, radius)


def moon(light: Light, rng: np.random.Generator) -> Light:
    """A small disc in the black: 1.5 to 8 % of the picture."""
    return _disc(light, np.sqrt(rng.uniform(0.015, 0.08) * light.size / np.pi))


def pillars(light: Light, rng: np.random.Generator) -> Light:
    """Black borders at the left and right, or above and below: 20 to 70 % of the picture."""
    kept, axis = rng.uniform(0.3, 0.8), int(rng.integers(2))
    lit = light.copy() if axis else light.copy().T
    width = int(lit.shape[1] * (1 - kept) / 4) * 2
    lit[:, :width] = lit[:, lit.shape[1] - width :] = 0
    return lit if axis else lit.T


def _disc(light: Light, radius: float) -> Light:
    y, x = np.ogrid[: light.shape[0], : light.shape[1]]
    inside = (y - light.shape[0] / 2) ** 2 + (x - light.shape[1] / 2) ** 2 < radius**2
    return np.where(inside, light, np.float32(0))


SCENES: dict[str, tuple[Callable[[Light, np.random.Generator], Light], float]] = {
    "plain": (plain, 0.5),
    "highlights": (highlights, 0.15),
    "lamps": (lamps, 0.1),
    "circle": (circle, 0.1),
    "pillars": (pillars, 0.1),
    "moon": (moon, 0.05),
}
"""What is done to a photograph, and how often."""


@dataclass(frozen=True)
class Row:
    """One raw: its photograph and what was done to it, the truth, and what `lit_part` sees.

    Attributes:
        photo: file name.
        scene: of `SCENES`.
        bright: linear luminance that a tenth of the photograph reaches.
        stops: by how much it was darkened.
        lit: the lit part.
    """

    photo: str
    scene: str
    bright: float
    stops: float
    lit: LitPart | None


def rows_of(path: Path, draws: int = DRAWS) -> list[Row]:
    """Raws of one photograph, darkened by 1 to 300."""
    rng = np.random.default_rng(list(path.name.encode()))
    with Image.open(path) as image:
        large = np.asarray(image.convert("RGB"), dtype=np.float32) / 255
    shrink = max(1, round(max(large.shape) / LONGEST))
    height, width = large.shape[0] // shrink, large.shape[1] // shrink
    tiles = srgb_decode(large[: height * shrink, : width * shrink]).reshape(height, shrink, width, shrink, 3)
    linear = tiles.mean(axis=(1, 3))
    srgb, bright = srgb_encode(linear), float(np.quantile(linear @ LUMINANCE_WEIGHTS, 0.9))
    names, shares = list(SCENES), [share for _, share in SCENES.values()]
    rows = []
    for _ in range(draws):
        scene = names[rng.choice(len(names), p=shares)]
        stops = rng.uniform(np.log2(MIN_RATIO), np.log2(MAX_RATIO))
        frame = darkened(srgb, scene, 2.0**stops, rng)
        rows.append(Row(path.name, scene, bright, stops, lit_part(frame)))
    return rows


def darkened(srgb: NDArray[np.float32], scene: str, ratio: float, rng: np.random.Generator) -> RawFrame:
    """A frame of a scene that got `ratio` times less light, row noise corrected as in the program."""
    sensor = random_sensor(rng)
    light = (unprocess(srgb, sensor) - sensor.black) / (sensor.white - sensor.black)
    light = SCENES[scene][0](light.astype(np.float32), rng)
    calibrations = load_calibrations()
    noise = sample_noise(calibrations[rng.integers(len(calibrations))], rng, gain_range=(0.1, 30.0), black_error=0.25)
    clean = sensor.black + light * (sensor.white - sensor.black)
    mosaic = expose(clean, ratio, noise, sensor.black, sensor.white, rng)
    matrix, black = srgb_from_camera(sensor.camera_from_xyz), BlackLevel.uniform(sensor.black)
    frame = RawFrame(mosaic, Cfa.bayer("RGGB"), black, sensor.white, sensor.white_balance, matrix)
    return corrected(frame, ExposureSettings())


def walls() -> list[Row]:
    """An even wall at the key, under all light and noise."""
    rng, grey = np.random.default_rng(0), srgb_encode(np.full((400, LONGEST, 3), KEY))
    rows = []
    for stops in np.linspace(0, np.log2(MAX_RATIO), WALLS):
        rows.append(Row("wall", "plain", KEY, float(stops), lit_part(darkened(grey, "plain", 2.0**stops, rng))))
    return rows


def fit(rows: Sequence[Row], even: Sequence[Row], anchors: Sequence[tuple[LitPart, float]]) -> NDArray[np.float64]:
    """The coefficients: ridge regression, reweighted so that far-off photographs pull no harder than near ones.

    Args:
        rows: to fit to.
        even: of `walls`.
        anchors: what `lit_part` sees of raws, and their ratios in stops.
    """
    rows = [row for row in rows if row.lit is not None]
    seen = [(row.lit, row.stops, 1.0) for row in rows if row.lit is not None]
    seen += [(row.lit, row.stops, WALL_WEIGHT * len(rows)) for row in even if row.lit is not None]
    seen += [(lit, stops, ANCHOR_WEIGHT * len(rows)) for lit, stops in anchors]
    shapes = np.array([lit.shape for lit, _, _ in seen])
    wanted = np.array([stops - lit.key_stops for lit, stops, _ in seen])
    weights = np.array([weight for _, _, weight in seen])
    penalty = RIDGE * len(rows) * np.diag((shapes[: len(rows)] ** 2).mean(axis=0))
    near = weights
    for _ in range(STEPS):
        weighted = shapes * near[:, None]
        coefficients = np.linalg.solve(shapes.T @ weighted + penalty, weighted.T @ wanted)
        near = weights / np.maximum(np.abs(wanted - shapes @ coefficients) / NEAR, 1)
    return np.asarray(coefficients)


def errors(rows: Sequence[Row], coefficients: Sequence[float]) -> NDArray[np.float64]:
    """(N,) stops by which the estimate is too high."""
    return np.array([stops_of(row.lit, coefficients) - row.stops for row in rows])


def stops_of(lit: LitPart | None, coefficients: Sequence[float]) -> float:
    """log2 of the ratio with these coefficients."""
    return float(np.log2(MAX_RATIO)) if lit is None else float(np.log2(lit.ratio(coefficients)))


def told(name: str, errors: NDArray[np.float64]) -> str:
    """One line of the table."""
    size = np.abs(errors)
    numbers = (np.median(size), np.quantile(size, 0.9), np.mean(size > 2.5) * 100, size.max(), errors.mean())
    return f"{name:24} {len(errors):5} " + " ".join(f"{number:7.2f}" for number in numbers)


def draw(rows: Sequence[Row], coefficients: Sequence[float], path: Path) -> None:
    """The plot: every held-out raw, its truth and the estimate, by the key alone and with what was learnt."""
    side, margin, limit = 380, 46, float(np.log2(MAX_RATIO))
    image = Image.new("RGB", (2 * (side + margin) + 20, side + 2 * margin), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(13)
    for panel, (title, used) in enumerate((("the key alone", [0.0] * len(coefficients)), ("fitted", coefficients))):
        left, top = margin + panel * (side + margin), margin

        def at(x: float, y: float, left: int = left, top: int = top) -> tuple[float, float]:
            return left + x / limit * side, top + side - y / limit * side

        for ratio in (1, 3, 10, 30, 100, 300):
            place = float(np.log2(ratio))
            pen.line([at(place, 0), at(place, limit)], fill="#e4e4e4")
            pen.line([at(0, place), at(limit, place)], fill="#e4e4e4")
            pen.text((at(place, 0)[0], top + side + 4), f"x{ratio}", "black", font, anchor="ma")
            pen.text((left - 5, at(0, place)[1]), f"{ratio}", "black", font, anchor="rm")
        for row in rows:
            x, y = at(row.stops, stops_of(row.lit, used))
            colour = "#1f5fa8" if row.scene == "plain" else "#d9822b"
            pen.ellipse([x - 1, y - 1, x + 1, y + 1], fill=colour)
        for off, colour in ((0.0, "black"), (-1.2, "#888888"), (1.2, "#888888")):
            pen.line([at(max(0, -off), max(0, off)), at(min(limit, limit - off), min(limit, limit + off))], fill=colour)
        pen.text((left, 6), f"{title}: ratio estimated over factor darkened by", "black", font)
    pen.text(
        (margin, 24), "blue: photographs   orange: lamps, circles, borders, moons   grey: 1.2 stops", "black", font
    )
    image.quantize(16).save(path, optimize=True)


def main() -> None:
    """Make raws, fit, print the coefficients and the errors, and draw the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--anchor", action="append", default=[], metavar="RAW=RATIO")
    parser.add_argument("--plot", type=Path, default=Path(__file__).parent / "guide" / "auto-ratio.png")
    options = parser.parse_args()
    paths = sorted(path for path in options.photos.iterdir() if path.suffix.lower() in (".jpg", ".png"))
    with ProcessPoolExecutor() as pool:
        rows = [row for made in pool.map(rows_of, paths, chunksize=8) for row in made]
    anchors = []
    for word in options.anchor:
        path, ratio = word.rsplit("=", 1)
        lit = lit_part(read_exposure(Path(path), ExposureSettings(ratio=1.0)).frame)
        assert lit is not None
        anchors.append((lit, float(np.log2(float(ratio)))))
    names = np.random.default_rng(0).permutation([path.name for path in paths])
    fitted = set(names[: len(names) // 2])
    even = walls()
    learnt = [row for row in rows if row.photo in fitted]
    shown = [row for row in rows if row.photo not in fitted]
    coefficients = [round(float(value), 4) for value in fit(learnt, even, anchors)]
    print(f"COEFFICIENTS = {tuple(coefficients)}")
    print(f"{'':24} {'raws':>5}  median    90 %  %>2.5     max    bias   (stops)")
    print(told("key alone, held out", errors(shown, [0.0] * len(coefficients))))
    print(told("fitted", errors(learnt, coefficients)))
    print(told("held out", errors(shown, coefficients)))
    for scene in SCENES:
        print(told(f"  {scene}", errors([row for row in shown if row.scene == scene], coefficients)))
    lit_tenth = [row for row in shown if row.bright >= TENTH_LEVEL]
    print(told("held out, a tenth lit", errors(lit_tenth, coefficients)))
    print(told("even walls", errors(even, coefficients)))
    for word, (lit, _) in zip(options.anchor, anchors, strict=True):
        print(f"{Path(word).name} -> {lit.ratio(coefficients):.3g}")
    draw(shown, coefficients, options.plot)


if __name__ == "__main__":
    main()
