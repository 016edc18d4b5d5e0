"""Score methods on a protocol's pairs, one line a picture, so that a stopped run goes on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np

from darkdiff_cli.datasets.rawpairs import RawPair
from darkdiff_cli.decoder import Decoder
from darkdiff_cli.errors import DarkdiffError, SettingsError
from darkdiff_cli.evaluation.methods.external import External
from darkdiff_cli.evaluation.methods.method import Method, Picture
from darkdiff_cli.evaluation.protocols.published import Published
from darkdiff_cli.evaluation.quality.metrics import Judge, paired, spread
from darkdiff_cli.evaluation.quality.realism import Features, features_path, kid
from darkdiff_cli.evaluation.quality.scene import Scene
from darkdiff_cli.files import JsonLines, atomically
from darkdiff_cli.progress import Progress

BEYOND = 1e12  # any score, ratio and number of seconds; NaN is not below it


@dataclass(frozen=True)
class Row:
    """One picture's scores, and what had to be done otherwise than asked for."""

    protocol: str
    method: str
    identity: str
    scene: str
    ratio: float
    scores: dict[str, float]
    seconds: float
    notes: tuple[str, ...] = ()

    @classmethod
    def of_line(cls, line: Mapping[str, Any]) -> "Row | None":
        """The row that a line of an earlier run holds; None of one that was changed since, or of another version."""
        given = {**line, "notes": line.get("notes", [])}
        if set(given) != {one.name for one in fields(cls)} or not isinstance(given["scores"], dict):
            return None
        words = [given[name] for name in ("protocol", "method", "identity", "scene")]
        numbers = [given["ratio"], given["seconds"], *given["scores"].values()]
        if not isinstance(given["notes"], list) or not all(isinstance(word, str) for word in [*words, *given["notes"]]):
            return None
        if not all(type(number) in (int, float) and abs(number) < BEYOND for number in numbers):
            return None
        return cls(**{**given, "notes": tuple(given["notes"])})


@dataclass
class Results:
    """The scores of a run.

    Attributes:
        protocol: every field of the protocol in one line.
        rows: one a picture.
        failures: sentences about what could not be scored.
        published: other people's scores by the same protocol.
        kid: of each method's pictures taken together, see `realism.kid`.
        left_out: a sentence about raws that are in no pair, or none.
    """

    protocol: str
    rows: list[Row] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    published: list[Published] = field(default_factory=list)
    kid: dict[str, dict[str, float]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    @property
    def methods(self) -> list[str]:
        """Names in the order of their first row."""
        return list(dict.fromkeys(row.method for row in self.rows))

    @property
    def notes(self) -> list[str]:
        """What was left out, and a sentence for each method and each thing that was done otherwise than asked for."""
        counted = Counter((row.method, note) for row in self.rows for note in row.notes)
        said = [f"{method}, {count} of its pictures: {note}." for (method, note), count in counted.items()]
        return [*self.left_out, *said]

    def values(self, method: str, metric: str) -> dict[str, float]:
        """A method's scores by scene."""
        return {row.scene: row.scores[metric] for row in self.rows if row.method == method and metric in row.scores}

    def summary(self, method: str) -> dict[str, dict[str, float]]:
        """Mean, median, count and, of enough pairs, 95 % interval of each metric; KID is of the set."""
        result = {}
        metrics = dict.fromkeys(metric for row in self.rows if row.method == method for metric in row.scores)
        for metric in metrics:
            values = np.array(list(self.values(method, metric).values()))
            result[metric] = {
                "mean": float(values.mean()),
                "median": float(np.median(values)),
                **spread(values),
                "count": len(values),
            }
        return result | ({"kid": self.kid[method]} if method in self.kid else {})

    def compare(self, first: str, second: str, metric: str) -> dict[str, float] | None:
        """The paired test of two methods on the scenes that both have; None where there is none."""
        one, two = self.values(first, metric), self.values(second, metric)
        shared = [scene for scene in one if scene in two]
        if not shared:
            return None
        return paired(*(np.array([values[scene] for scene in shared]) for values in (one, two)))


def run_quality(
    pairs: Sequence[RawPair],
    methods: Sequence[Method],
    judge: Judge,
    output: Path,
    report: Progress,
    decoder: Decoder,
) -> Results:
    """Score every method on every pair.

    Args:
        pairs: of the protocol.
        methods: side by side; the same pair is read once.
        judge: the protocol's metrics.
        output: folder; takes `scores.jsonl`, a JPEG of each picture, and its features where the judge has VGG. What is
            scored there already is not scored again.
        report: called after every picture.
        decoder: reads the pairs, and renders what LibRaw renders of them.

    Returns:
        All scores; a pair that cannot be read is among the failures and does not end the run.

    Raises:
        SettingsError: a method needs the clean raw, and the protocol's pairs have a picture of the truth instead.
    """
    _check_methods(methods, judge)
    for method in methods:
        method.decoder = decoder
    results = Results(judge.protocol.describe(len(pairs)))
    ledger = JsonLines(output / "scores.jsonl")
    known = _load(ledger, judge, output)
    total, done = len(pairs) * len(methods), 0
    for pair in pairs:
        missing = [method for method in methods if (method.identity, pair.scene) not in known]
        results.rows += [known[method.identity, pair.scene] for method in methods if method not in missing]
        done += len(methods) - len(missing)
        try:
            scene = Scene.read(pair, judge.protocol, decoder) if missing else None
        except DarkdiffError as error:
            results.failures.append(str(error))
            done += len(missing)
            continue
        for method in missing:
            assert scene is not None
            report(f"{method.name}: {pair.scene}", done, total)
            try:
                rendered = scene.rendered_by(method)
                scores = judge.score(rendered.picture, rendered.reference)
                features = judge.features(rendered.picture, rendered.reference)
            except (DarkdiffError, ValueError) as error:
                results.failures.append(f"{pair.scene}, {method.name}: {error}")
            else:
                of_what = (judge.protocol.title, method.name, method.identity, scene.name, scene.ratio)
                row = Row(*of_what, scores, rendered.seconds, rendered.notes)
                results.rows.append(row)
                _write_picture(picture_path(output, "reference", pair.scene), scene.reference)
                _write_picture(picture_path(output, method.name, pair.scene), rendered.picture)
                if features is not None:
                    features.write(_features_of(row, output))
                ledger.append(asdict(row), sync=False)
            done += 1
            report(f"{method.name}: {pair.scene}", done, total)
    order = [method.name for method in methods]
    results.rows.sort(key=lambda row: order.index(row.method))  # what an earlier run scored came first
    if judge.vgg is not None:
        found = {name: kid(_all_features(results, name, output)) for name in results.methods}
        results.kid = {name: value for name, value in found.items() if value is not None}
    return results


def _check_methods(methods: Sequence[Method], judge: Judge) -> None:
    """Refuse methods that need a clean raw where the pairs have a picture of the truth instead."""
    lost = [method for method in methods if method.needs_clean and judge.protocol.reference == "truth"]
    if lost:
        other = " or give --external-reference protocol" if any(isinstance(one, External) for one in lost) else ""
        raise SettingsError(
            f"{', '.join(method.name for method in lost)}: needs the clean raws, and the pairs of "
            f"{judge.protocol.name} have pictures of the truth instead; leave it out{other}."
        )


def picture_path(output: Path, method: str, scene: str) -> Path:
    """Where a scored picture lies."""
    safe = "".join(c if c.isalnum() or c in "-._" else "-" for c in f"{scene}--{method}")
    return output / "pictures" / f"{safe}.jpg"


def _write_picture(path: Path, picture: Picture) -> None:
    pixels = np.rint(picture * 255).astype(np.uint8)
    atomically(path, lambda partial: iio.imwrite(partial, pixels, extension=".jpg", quality=92))


def _features_of(row: Row, output: Path) -> Path:
    return features_path(output, row.protocol, row.identity, row.scene)


def _all_features(results: Results, method: str, output: Path) -> list[Features]:
    read = (Features.read(_features_of(row, output)) for row in results.rows if row.method == method)
    return [features for features in read if features is not None]


def _load(ledger: JsonLines, judge: Judge, output: Path) -> dict[tuple[str, str], Row]:
    """Rows of an earlier run of the same protocol and version with all of the judge's metrics and features."""
    known: dict[tuple[str, str], Row] = {}
    for line in ledger.read_new():
        row = Row.of_line(line)
        if row is None or row.protocol != judge.protocol.title or not judge.metrics <= set(row.scores):
            continue
        if judge.vgg is None or Features.read(_features_of(row, output)) is not None:
            known[row.identity, row.scene] = row
    return known
