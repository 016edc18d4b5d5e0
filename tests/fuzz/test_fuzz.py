"""A few hundred cases of the fuzzer; `make fuzz` runs as many as one likes."""

from pathlib import Path

import pytest

from darkdiff_cli.errors import InputError
from tests.fuzz.documents import PRESET, SIDECAR, Ledgers, Models, Presets, Recipes, Sidecars
from tests.fuzz.kind import Defect, Kind, refused
from tests.fuzz.raws import BOUND_MIB, Noise, Photos, Raws
from tests.fuzz.runner import KINDS, limited, run

CASES = {Raws: 300, Photos: 6, Noise: 12, Sidecars: 60, Ledgers: 40, Recipes: 25, Presets: 25, Models: 8}


CLEAR_REFS = Path("/proc/self/clear_refs")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_promise_is_kept(kind: type[Kind], tmp_path: Path) -> None:
    made = kind(tmp_path)
    with made:
        found = run(made, range(CASES[kind]))
    assert found.defects == {}
    assert sum(map(len, found.outcomes.values())) == CASES[kind]
    if isinstance(made, Raws) and CLEAR_REFS.exists():  # where the system tells the peak of another process's memory
        assert 30 < found.peak_mib < BOUND_MIB


def test_undamaged_files_are_read(tmp_path: Path) -> None:
    """Or the fuzzer would try nothing but what is refused at the door."""
    raws = Raws(tmp_path)
    cases = [
        *((raws, {name: content}) for name, content in raws.seeds.items()),
        (Presets(tmp_path), {"a.toml": PRESET}),
        (Sidecars(tmp_path), {"a.ARW": b"", "a.xmp": SIDECAR.encode()}),
    ]
    with raws:
        for kind, files in cases:
            kind.damaged = lambda _rng, files=files: files
            assert run(kind, (0,)).outcomes == {"read": [0]}, files.keys()


def test_a_case_is_the_same_whenever_it_runs(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    first, second = Recipes(tmp_path / "one"), Recipes(tmp_path / "two")
    numbers = range(20)
    whole = run(first, numbers).outcomes
    assert {case: outcome for outcome, cases in whole.items() for case in cases} == {
        number: next(iter(run(second, (number,)).outcomes)) for number in numbers
    }


class Careless(Kind):
    """A kind whose program breaks a promise at every case."""

    name = "careless"

    def damaged(self, rng):
        return {"a.txt": b"input"}

    def tried(self, folder: Path, rng) -> str:
        (folder / "a.txt").write_bytes(b"changed")
        return "read"


def test_what_is_broken_is_found_and_kept(tmp_path: Path) -> None:
    told = run(Careless(tmp_path), (3,), tmp_path / "kept")
    assert list(told.defects) == [3]
    assert (tmp_path / "kept" / "careless-3" / "a.txt").read_bytes() == b"input"
    assert "an input was changed" in (tmp_path / "kept" / "careless-3.txt").read_text()


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("a.dng: cannot be decoded (ValueError: no).", "an exception became a message"),
        ("a.dng: unexpected KeyError: 'x'; see `darkdiff --debug ...`.", "an exception became a message"),
        ("a.dng: two\nlines.", "no sentence"),
        ("it is broken.", "not named"),
    ],
)
def test_what_is_no_sentence_is_a_defect(message: str, words: str) -> None:
    with pytest.raises(Defect, match=words):
        refused(InputError(message), "a.dng")


def test_what_never_ends_is_a_defect() -> None:
    with pytest.raises(Defect, match="takes over 1 s"), limited(1):
        while True:
            pass
