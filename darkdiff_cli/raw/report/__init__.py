"""What the program sees in a raw: the facts of a bug report."""

from darkdiff_cli.raw.report.facts import Colours, Environment, Levels, Measured, RawReport, Sensor, Shot
from darkdiff_cli.raw.report.reading import environment, read_report

__all__ = [
    "Colours",
    "Environment",
    "Levels",
    "Measured",
    "RawReport",
    "Sensor",
    "Shot",
    "environment",
    "read_report",
]
