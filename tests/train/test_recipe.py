import itertools
from pathlib import Path

import pytest

from darkdiff_cli.errors import SettingsError
from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.recipe.recipe_file import load_recipe, recipe_names

RECIPES = Path(__file__).parents[2] / "darkdiff_cli" / "recipes"


def test_every_bundled_recipe_loads() -> None:
    assert recipe_names() == ["paper-lrd", "paper-lrd-debug", "paper-sid", "paper-sid-debug", "tiny", "tiny-debug"]
    assert [load_recipe(name).name for name in recipe_names()] == recipe_names()


def change(tmp_path: Path, old: str, new: str) -> str:
    text = (RECIPES / "tiny-debug.yaml").read_text()
    assert old in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(old, new, 1))
    return str(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  region_size: 4", "  region_sise: 4", "did you mean 'region_size'"),
        ("  region_size: 4", "  region_size: four", "must be int"),
        ("seed: 0", "sed: 0", "did you mean 'seed'"),
        ("prediction_type: v_prediction", "prediction_type: x", "epsilon or v_prediction"),
        ("ratio_range: [50.0, 320.0]", "ratio_range: [50.0]", "ratio_range"),
        ("name: tiny-debug", "", "'name' is missing"),
        ("  region_size: 4", "  controlnet_base: locked", "locked needs stage2.conditioning: controlnet"),
        ("lpips: 0.0", "lpips: 0.1", "crop of 32 pixels is too small for LPIPS"),
        ("name: tiny-debug", "name: [", "not valid YAML"),
        ("seed: 0", "seed: 2024-13-45", "not valid YAML"),
        ("seed: 0", "seed: 0x_", "not valid YAML"),
        ("seed: 0", "seed: " + "[" * 5000, "not valid YAML"),
        ("name: tiny-debug", "name: 0x" + "f" * 5000, "name is a huge int, but must be str"),
        ("ratio_range: [50.0, 320.0]", "ratio_range: [1" + "0" * 400 + ", 2.0]", "ratio_range .* must be"),
        ("seed: 0", "k" * 1000 + ": 0", r"unknown key 'k+\.\.\.k+'\.$"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        load_recipe(change(tmp_path, old, new))


def test_a_recipe_that_is_no_utf_8_or_nests_itself_is_one_short_sentence(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    bombs = "a: &a [x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(24)
    )
    for content in (b"name: \xff", bombs.encode(), b"- " + b"x" * 100_000):
        path.write_bytes(content)
        with pytest.raises(SettingsError, match=r"mine\.yaml: ") as failure:
            load_recipe(str(path))
        assert len(str(failure.value)) < 500


def test_unknown_recipe_lists_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="paper-sid, paper-sid-debug, tiny"):
        load_recipe("huge")


def test_whole_numbers_serve_as_floats(tmp_path: Path) -> None:
    recipe = load_recipe(change(tmp_path, "default_guidance: 1.5", "default_guidance: 2"))
    assert recipe.stage2.default_guidance == 2.0


def test_learning_rate_warms_up_and_falls_to_its_end() -> None:
    plan = Optimisation(steps=100, batch_size=1, crop=8, learning_rate=1.0, final_learning_rate=0.1, warmup=10)
    rates = [plan.rate(step) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[10] == pytest.approx(1.0)
    assert rates[100] == pytest.approx(0.1)
    assert all(b <= a for a, b in itertools.pairwise(rates[10:]))
