"""The terms of a training: what decides its result. Checkpoints keep them, so that a resumed run says what changed."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from darkdiff_cli.errors import shown

Terms = dict[str, Any]  # values of JSON by dotted name
MOST = 6  # terms that are named


def terms_of(values: Mapping[str, Any]) -> Terms:
    """Nested settings as terms: `{"stage1": {"hold": 0.0}}` becomes `{"stage1.hold": 0.0}`, in the values of JSON."""
    return dict(_flat(json.loads(json.dumps(values))))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def difference(before: Terms, now: Terms) -> str | None:
    """A sentence on what a resumed run does otherwise than the one before; None where that is nothing, or not known.

    Args:
        before: of the checkpoint; empty where an earlier version wrote it.
        now: of the run.
    """
    if not before:
        return None
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if not names:
        return None
    said = [f"{name} was {_worded(before.get(name))} and is {_worded(now.get(name))}" for name in names[:MOST]]
    more = f", and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"goes on otherwise than it began, so not as it would have without a stop: {', '.join(said)}{more}."


def _worded(value: object) -> str:
    return "not given" if value is None else shown(value)
