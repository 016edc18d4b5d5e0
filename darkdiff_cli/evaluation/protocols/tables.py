"""The paper's six tables as presets: what each compares, the checkpoints it needs, the protocols it is scored by."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from darkdiff_cli.errors import SettingsError

SID_PROTOCOLS = ("sid-x100-35", "sid-x250-35", "sid-x300-35")


@dataclass(frozen=True)
class Variant:
    """One row of a table.

    Attributes:
        name: in the table, and of its folder below `--runs`.
        values: recipe values that differ from the table's recipe; empty for the paper's own model.
    """

    name: str
    values: str = ""


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
        """A line for each checkpoint: where it lies, whether it does, and how to train it."""
        lines = []
        for variant in self.variants:
            folder = self.checkpoint(variant, runs)
            state = "found" if folder.is_dir() else "missing"
            how = f"recipe {self.recipe}" + (f" with {variant.values}" if variant.values else "")
            lines.append(f"{state}  {folder}  ({how})")
        return lines


FULL = Variant("full")
TABLES = {
    table.number: table
    for table in (
        PaperTable(1, "SID, Sony", "sid", SID_PROTOCOLS, "paper-sid", 2.0, (FULL,)),
        PaperTable(
            2, "ELD, with the model of SID", "eld", ("eld-sony-x100", "eld-sony-x200"), "paper-sid", 2.5, (FULL,)
        ),
        PaperTable(3, "LRD", "lrd", ("lrd-m3ev-60",), "paper-lrd", 2.0, (Variant("full-lrd"),)),
        PaperTable(
            4, "what the residual autoencoder and the image loss are worth", "sid", SID_PROTOCOLS, "paper-sid", 2.0,
            (
                FULL,
                Variant("without-residual", "stage1.residual: false"),
                Variant("without-image-loss", "stage2.image_loss_weight: 0"),
            ),
        ),
        PaperTable(
            5, "what goes in and comes out", "sid", SID_PROTOCOLS, "paper-sid", 2.0,
            (
                FULL,
                Variant("raw-srgb", "data_format: raw-srgb"),
                Variant("raw-raw", "data_format: raw-raw"),
            ),
        ),
        PaperTable(
            6, "how the denoiser sees the noisy image", "sid", SID_PROTOCOLS, "paper-sid", 2.0,
            (
                FULL,
                Variant("concat", "stage2.conditioning: concat"),
                Variant("controlnet", "stage2.conditioning: controlnet"),
                Variant("global", "stage2.conditioning: global"),
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
