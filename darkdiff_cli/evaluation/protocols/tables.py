"""The paper's six tables as presets: what each compares, the checkpoints it needs, the protocols it is scored by."""

import csv
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from darkdiff_cli.errors import SettingsError
from darkdiff_cli.evaluation.protocols.published import Published

PAPER = "the paper"  # Zheng et al., arXiv 2505.23743; its protocol is known in part


@dataclass(frozen=True)
class Variant:
    """One row of a table.

    Attributes:
        name: of its folder below `--runs`.
        row: name of the row in the paper.
        values: recipe values that differ from the table's recipe, as `train --set` takes them; none for the paper's
            own model.
    """

    name: str
    row: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class PaperTable:
    """One table.

    Attributes:
        number: in the paper.
        title: what it compares.
        kind: of the data, as in `--data`.
        protocols: that the rows are scored on.
        recipe: that every row is trained with, but for its own values.
        guidance: guidance scale of the paper for that set.
        variants: the rows that this program trains.
    """

    number: int
    title: str
    kind: Literal["sid", "eld", "lrd"]
    protocols: tuple[str, ...]
    recipe: str
    guidance: float
    variants: tuple[Variant, ...]

    def checkpoint(self, variant: Variant, runs: Path) -> Path:
        """Where the trained model of a row is looked for."""
        return runs / variant.name / "stage2"

    def needs(self, runs: Path) -> list[str]:
        """A line for each checkpoint: whether it is there, where, and how to train it."""
        lines = []
        for variant in self.variants:
            folder = self.checkpoint(variant, runs)
            state = "found" if folder.is_dir() else "missing"
            words = "".join(f" --set {value}" for value in variant.values)
            data = "lrd:DIR" if self.kind == "lrd" else "sid:DIR"
            how = f"darkdiff train --stage all --recipe {self.recipe}{words} --data {data} -o {runs / variant.name}"
            lines.append(f"{state}  {folder}  {how}")
        return lines

    @property
    def published(self) -> list[Published]:
        """The paper's own scores of every row, in its order."""
        text = files("darkdiff_cli.evaluation.protocols").joinpath("paper.csv").read_text(encoding="utf-8")
        rows = [row for row in csv.DictReader(text.splitlines()) if int(row["table"]) == self.number]
        return [
            Published(PAPER, row["row"], {key: float(row[key]) for key in ("psnr", "ssim", "lpips")}) for row in rows
        ]


SID_X300 = ("sid-x300-test", "sid-x300-test-rawpy")


def _full(row: str, name: str = "full") -> Variant:
    return Variant(name, row)


def _base_alone(name: str, conditioning: str) -> Variant:
    """Stable Diffusion with the condition alone: neither the residual autoencoder nor the image loss."""
    row = {"concat": "SD Concat", "controlnet": "SD ControlNet"}[conditioning]
    values = (f"stage2.conditioning={conditioning}", "stage1.residual=false", "stage2.image_loss.weight=0")
    return Variant(name, row, values)


def _against_the_base(suffix: str = "") -> tuple[Variant, ...]:
    """The rows of Tables 1 to 3 that are trained here."""
    kinds = ("concat", "controlnet")
    rows = [_base_alone(f"sd-{kind}{suffix}", kind) for kind in kinds]
    return (*rows, _full("DarkDiff", f"full{suffix}"))


TABLES = {
    table.number: table
    for table in (
        PaperTable(1, "SID, Sony, x300", "sid", SID_X300, "paper-sid", 2.0, _against_the_base()),
        PaperTable(
            2, "ELD, x200, with the models of SID", "eld", ("eld-sony-x200", "eld-sony-x200-uncorrected"), "paper-sid",
            2.5, _against_the_base(),
        ),
        PaperTable(3, "LRD, -3 EV", "lrd", ("lrd-m3ev-60",), "paper-lrd", 2.0, _against_the_base("-lrd")),
        PaperTable(
            4, "what each part is worth, on SID x300", "sid", SID_X300, "paper-sid", 2.0,
            (
                Variant("concat", "concatenation instead of region attention", ("stage2.conditioning=concat",)),
                Variant("without-residual", "without the residual autoencoder", ("stage1.residual=false",)),
                Variant("without-image-loss", "without the image loss", ("stage2.image_loss.weight=0",)),
                _full("all"),
            ),
        ),
        PaperTable(
            5, "what goes in and comes out, on SID x300", "sid", SID_X300, "paper-sid", 2.0,
            (
                Variant("raw-raw", "Raw-Raw", ("data_format=raw-raw",)),
                Variant("raw-srgb", "Raw-sRGB", ("data_format=raw-srgb",)),
                _full("LRGB-sRGB"),
            ),
        ),
        PaperTable(
            6, "how the denoiser sees the noisy image, on SID x300", "sid", SID_X300, "paper-sid", 2.0,
            (
                Variant("concat", "Concat", ("stage2.conditioning=concat",)),
                Variant("controlnet", "ControlNet", ("stage2.conditioning=controlnet",)),
                Variant("global", "global attention", ("stage2.conditioning=global",)),
                _full("region attention"),
            ),
        ),
    )
}  # fmt: skip


def get_table(number: int) -> PaperTable:
    """A table by its number.

    Raises:
        SettingsError: the paper has no such table.
    """
    if number not in TABLES:
        raise SettingsError(f"table {number}: the paper's tables are {', '.join(map(str, TABLES))}.")
    return TABLES[number]
