import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from darkdiff_models.empty_prompt import EMPTY_PROMPT_FILE, empty_prompt

transformers = pytest.importorskip("transformers", reason="transformers is not installed (extra `convert`)")
START, END, TOKENS = 6, 7, 9


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A folder with a small text encoder and its tokenizer, as Stable Diffusion has them, and the encoder itself."""
    folder = tmp_path_factory.mktemp("base")
    config = transformers.CLIPTextConfig(
        vocab_size=8, hidden_size=8, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=TOKENS, bos_token_id=START, eos_token_id=END, projection_dim=8,
    )  # fmt: skip
    torch.manual_seed(0)
    model = transformers.CLIPTextModel(config).eval()
    model.save_pretrained(folder / "text_encoder")
    words = {**{f"w{number}": number for number in range(6)}, "<|startoftext|>": START, "<|endoftext|>": END}
    (folder / "tokenizer").mkdir()
    (folder / "tokenizer" / "vocab.json").write_text(json.dumps(words))
    (folder / "tokenizer" / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer" / "tokenizer_config.json").write_text(json.dumps({"model_max_length": TOKENS}))
    return folder, model


def copied(encoder: tuple[Path, Any], tmp_path: Path) -> Path:
    return Path(shutil.copytree(encoder[0], tmp_path / "base"))


def test_it_is_what_the_text_encoder_makes_of_nothing(encoder: tuple[Path, Any], tmp_path: Path) -> None:
    folder = copied(encoder, tmp_path)
    made = empty_prompt(folder)
    tokens = torch.tensor([[START] + [END] * (TOKENS - 1)])
    assert torch.equal(made, encoder[1](tokens).last_hidden_state)
    shutil.rmtree(folder / "text_encoder")
    assert torch.equal(empty_prompt(folder), made)  # kept from the first time on


def test_weights_that_are_not_all_there_are_refused(encoder: tuple[Path, Any], tmp_path: Path) -> None:
    """transformers takes random ones for them."""
    folder = copied(encoder, tmp_path)
    file = folder / "text_encoder" / "model.safetensors"
    weights = load_file(file)
    name = next(name for name in weights if name.endswith("final_layer_norm.weight"))
    del weights[name]
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(FileNotFoundError, match=r"weights lack final_layer_norm\.weight"):
        empty_prompt(folder)
    assert not (folder / EMPTY_PROMPT_FILE).exists()


@pytest.mark.parametrize(
    "change",
    [
        {"num_hidden_layers": 10**6},
        {"hidden_size": 10**9},
        {"num_hidden_layers": 3},
        {"hidden_size": 16},
        {"num_attention_heads": 0},
        {"num_attention_heads": 3},
        {"hidden_act": "os.system"},
        {"max_position_embeddings": -5},
        {"hidden_size": None},
        {"vocab_size": "8"},
    ],
)
def test_a_senseless_config_is_one_sentence(
    change: dict[str, object], encoder: tuple[Path, Any], tmp_path: Path
) -> None:
    folder = copied(encoder, tmp_path)
    file = folder / "text_encoder" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(FileNotFoundError, match="nor a whole tokenizer and text_encoder") as failure:
        empty_prompt(folder)
    assert "\n" not in str(failure.value)
