import dataclasses
import itertools
import re
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest

from darkdiff_cli.errors import SettingsError
from darkdiff_cli.training.recipe.optimisation import Optimisation
from darkdiff_cli.training.recipe.recipe import Recipe
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
        ("  region_size: 4", "  region_size: four", "must be a whole number from 0 to 64"),
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
        ("seed: 0", 'seed: !!int ""', "not valid YAML"),
        ("seed: 0", 'seed: !!bool "x"', "not valid YAML"),
        ("seed: 0", 'seed: !!timestamp "x"', "not valid YAML"),
        ("seed: 0", r'seed: "\U99999999"', "not valid YAML"),
        ("name: tiny-debug", "name: 0x" + "f" * 5000, "name is a huge int, but must be a text"),
        ("ratio_range: [50.0, 320.0]", "ratio_range: [1" + "0" * 400 + ", 2.0]", "ratio_range .* must be"),
        ("seed: 0", "k" * 1000 + ": 0", r"unknown key 'k+\.\.\.k+'\.$"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        load_recipe(change(tmp_path, old, new))


@pytest.mark.parametrize(("old", "key"), [("seed: 0", "seed"), ("  region_size: 4", "region_size")])
def test_a_key_that_stands_twice_is_named_with_its_lines(tmp_path: Path, old: str, key: str) -> None:
    path = change(tmp_path, old, f"{old}\n{old.replace(key, chr(34) + key + chr(34))}")
    line = 1 + next(n for n, text in enumerate(Path(path).read_text().splitlines()) if text.startswith(old))
    with pytest.raises(SettingsError) as failure:
        load_recipe(path)
    said = f"{path}: the key '{key}' stands in line {line} and again in line {line + 1}; remove one of them."
    assert str(failure.value) == said
    with pytest.raises(SettingsError, match="is no YAML value"):
        load_recipe("tiny-debug", ["finishing={fusion: 1, fusion: 0}"])


def test_a_key_may_stand_beside_one_that_is_merged(tmp_path: Path) -> None:
    """The merged mapping is used before it is read itself, deeper in the file."""
    path = tmp_path / "mine.yaml"
    text = (RECIPES / "tiny-debug.yaml").read_text()
    plan = "{batch_size: 2, crop: 32, learning_rate: 1.0e-3, final_learning_rate: 1.0e-4, steps: 4}"
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("regression:"))
    path.write_text(f"{kept}\nregression: &plan {plan}\n")
    first = load_recipe(str(path)).regression
    path.write_text(f"{kept}\nregression: {{<<: &plan {{<<: {plan}, steps: 6}}, warmup: 1}}\n")
    assert first is not None
    assert load_recipe(str(path)).regression == dataclasses.replace(first, steps=6, warmup=1)


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


@pytest.mark.parametrize("text", ['!!int ""', '!!int "+"', '!!bool "x"', '!!float ""', '!!float "_"', r'"\U99999999"'])
def test_a_change_that_is_no_yaml_value_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^--set seed=.*: '.*' is no YAML value\.$"):
        load_recipe("tiny-debug", [f"seed={text}"])


def test_a_change_of_thousands_of_letters_is_not_repeated() -> None:
    with pytest.raises(SettingsError, match="must be KEY=VALUE") as failure:
        load_recipe("tiny-debug", ["a." * 5000 + "=1"])
    assert len(str(failure.value)) < 200


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("seed=-1", "seed is -1, but must be a whole number from 0 to 4294967295"),
        ("log_every=0", "log_every is 0, but must be a whole number from 1 to 100000000"),
        ("keep_checkpoints=-1", "keep_checkpoints is -1, but must be a whole number from 1 to 1000000"),
        ("finishing.expected_error=.nan", "finishing.expected_error is nan, but must be a number from 0 to 1"),
        ("stage1.optimisation.learning_rate=0", "learning_rate is 0, but must be a number above 0 to 10"),
        ("stage1.optimisation.betas=[0.9, 1]", "betas is [0.9, 1], but must be 2 numbers from 0 to below 1"),
        ("stage1.optimisation.clip_grad_norm=0", "clip_grad_norm is 0, but must be a number above 0, or .inf"),
        ("stage2.optimisation.crop=1", "stage2.optimisation.crop is 1, but must be a whole number from 32 to 8192"),
        ("stage2.region_size=65", "stage2.region_size is 65, but must be a whole number from 0 to 64"),
        ("stage1.adversary.start=1" + "0" * 30, "0000, but must be a whole number from 0"),
        ("data.ratio_range=[5, 1]", "ratio_range is [5, 1], but must be 2 numbers from 1 to 10000, the smaller first"),
        ("data.ratio_range=[.nan, 1]", "data.ratio_range is [nan, 1], but must be 2 numbers"),
        ("stage3.data.gain_range=[1, .inf]", "stage3.data.gain_range is [1, inf], but must be 2 numbers"),
        ("stage0.loss.lpips=-1", "stage0.loss.lpips is -1, but must be a number from 0 to 1000000"),
        ("stage3.shape.blocks=[]", "stage3.shape.blocks is [], but must be 1 to 8 whole numbers from 1 to 16"),
        ("stage0.denoiser_shape.num_heads=[0, 2]", "[0, 2], but must be 1 to 8 whole numbers from 1 to 8192"),
        ("stage0.denoiser_shape.attention_levels=[1]", "is [1], but must be a list of values of true or false"),
        ("stage0.denoiser_shape.attention_levels=[]", "shape: block_out_channels, attention_levels and num_heads"),
        ("stage0.denoiser_shape.num_heads=[3, 2]", "block_out_channels of 16 cannot be cut into num_heads of 3"),
        ("stage0.denoiser_shape.norm_num_groups=32", "of 16 cannot be cut into norm_num_groups of 32"),
        ("stage0.autoencoder_shape.norm_num_groups=3", "autoencoder_shape: block_out_channels of 8 cannot be cut into"),
        ("stage1.loss.l1=0", "stage1: its loss on pictures weighs nothing; set l1, l2, lpips or blocks above 0"),
        ("stage3.optimisation.crop=40", "stage3: a crop of 40 pixels is no multiple of 16"),
        ("stage3.kept_crop=65", "stage3: a crop of 65 pixels is no multiple of 16"),
        ("stage3.shape.blocks=[1]", "stage3.shape: block_out_channels and blocks must be of one length"),
        ("stage2.autoencoder_tile_overlap=513", "must be at most half of autoencoder_tile"),
        ("stage2.tile=11", "stage2.tile must be 0 or a multiple of 2"),
        ("stage2.autoencoder_tile=1025", "stage2.autoencoder_tile must be a multiple of 2 from 16 on"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_a_number_out_of_its_range_is_named_with_the_range(change: str, words: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(words)):
        load_recipe("tiny-debug", [change])


def numbers(kind: type, keys: tuple[str, ...] = (), covered: bool = False) -> Iterator[tuple[str, bool]]:
    """Every setting of a recipe that holds a number, and whether it has a range."""
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        declared = typing.get_origin(hint) is typing.Annotated
        plain = typing.get_args(hint)[0] if declared else hint
        kinds = typing.get_args(plain) or (plain,)
        for inner in kinds:
            if dataclasses.is_dataclass(inner):
                yield from numbers(typing.cast(type, inner), (*keys, name), declared)
        if {int, float} & set(kinds):
            yield ".".join((*keys, name)), declared or covered


def test_every_number_of_a_recipe_has_a_range() -> None:
    found = dict(numbers(Recipe))
    assert len(found) > 130
    assert [name for name, has in found.items() if not has] == []


@pytest.mark.parametrize("value", ["-1", ".nan", "1" + "0" * 40, "[]", "[[]]", "{}", "null"])
def test_no_number_is_taken_unseen(value: str) -> None:
    for name, _ in numbers(Recipe):
        if not (name.endswith("clip_grad_norm") and value.isdigit()):
            with pytest.raises(SettingsError, match=re.escape(name)):
                load_recipe("tiny-debug", [f"{name}={value}"])


def test_unknown_recipe_lists_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="paper-sid, paper-sid-debug, tiny"):
        load_recipe("huge")


def test_whole_numbers_serve_as_floats(tmp_path: Path) -> None:
    recipe = load_recipe(change(tmp_path, "default_guidance: 1.5", "default_guidance: 2"))
    assert recipe.stage2.default_guidance == 2.0


@pytest.mark.parametrize("text", ["4e-4", "4E-04", "4.0e-4", "+4e-4"])
def test_a_power_of_ten_is_a_number_as_people_write_it(text: str) -> None:
    """YAML 1.1 takes 4e-4 for a text."""
    recipe = load_recipe("tiny", [f"stage1.optimisation.learning_rate={text}"])
    assert recipe.stage1.optimisation.learning_rate == 4e-4


def test_learning_rate_warms_up_and_falls_to_its_end() -> None:
    plan = Optimisation(steps=100, batch_size=1, crop=8, learning_rate=1.0, final_learning_rate=0.1, warmup=10)
    rates = [plan.rate(step) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[10] == pytest.approx(1.0)
    assert rates[100] == pytest.approx(0.1)
    assert all(b <= a for a, b in itertools.pairwise(rates[10:]))
