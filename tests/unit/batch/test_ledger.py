"""Lines of a ledger that are damaged, or of another program, are passed over."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from darkdiff_cli.batch.ledger import NAME, Entry, Ledger

WHOLE = Entry("k", "a.dng", "a.jpg", "done", ratio=16.0, seconds=2.0, notes=("a note",), folder="/raws")


def read(folder: Path, *lines: str) -> list[Entry]:
    (folder / NAME).write_text("".join(f"{line}\n" for line in lines))
    return list(Ledger(folder).entries().values())


@pytest.mark.parametrize(
    "change",
    [
        {"key": ["k"]}, {"source": 5}, {"output": None}, {"folder": 0}, {"status": "maybe"}, {"error": 0.5},
        {"ratio": "16"}, {"ratio": float("nan")}, {"seconds": -1}, {"seconds": 10**400}, {"notes": 5}, {"notes": [5]},
        {"colour": "red"},
    ],
    ids=str,
)  # fmt: skip
def test_a_line_with_a_value_of_another_type_is_passed_over(change: dict[str, object], tmp_path: Path) -> None:
    line = json.dumps({**asdict(WHOLE), **change}) if change != {"seconds": 10**400} else None
    text = line or json.dumps(asdict(WHOLE)).replace("2.0", "1" + "0" * 400)
    assert read(tmp_path, text, json.dumps({**asdict(WHOLE), "key": "other"})) == [
        Entry(**{**asdict(WHOLE), "key": "other"})
    ]


def test_a_line_of_a_thousand_brackets_is_passed_over(tmp_path: Path) -> None:
    assert read(tmp_path, "[" * 100_000, json.dumps(asdict(WHOLE))) == [WHOLE]
