"""The text embedding of "", made once by a Stable Diffusion's own text encoder."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from darkdiff_models.stored import CONFIG, first_line, own_file, read_json, stored_shapes

EMPTY_PROMPT_FILE = "empty_prompt.safetensors"


@torch.no_grad()
def empty_prompt(folder: Path) -> Tensor:
    """The (1, tokens, dim) text embedding of "": stored, or computed with the text encoder and stored from then on.

    Args:
        folder: a Stable Diffusion in diffusers' layout.

    Raises:
        FileNotFoundError: it holds neither, or they are damaged.
        ModuleNotFoundError: the text encoder has to run and transformers is not installed.
    """
    stored = folder / EMPTY_PROMPT_FILE
    if stored.is_file():
        return load_file(str(own_file(stored, folder)))["empty_prompt"]
    try:
        import transformers
    except ImportError as error:
        raise ModuleNotFoundError(
            f"{folder}: stage 2 needs its empty prompt, which its text encoder makes once with transformers: "
            "pip install transformers"
        ) from error
    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call,unused-ignore]
    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call,unused-ignore]
    try:
        _check_text_encoder(folder)
        prompt = _encoded(transformers, folder)
    except Exception as error:  # of a config that makes no sense, transformers raises all kinds
        raise FileNotFoundError(
            f"{folder}: holds neither {EMPTY_PROMPT_FILE} nor a whole tokenizer and text_encoder ({first_line(error)})"
        ) from error
    keep_prompt(prompt, stored)
    return prompt


def _encoded(transformers: Any, folder: Path) -> Tensor:
    """Run the text encoder on "".

    Raises:
        ValueError: its weights are not all there, for which transformers would take random ones.
    """
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder / "tokenizer")
    part = folder / "text_encoder"
    encoder, found = transformers.CLIPTextModel.from_pretrained(part, use_safetensors=True, output_loading_info=True)
    if missing := sorted({*found["missing_keys"], *map(str, found["mismatched_keys"])}):
        raise ValueError(f"{part}: its weights lack {missing[0]}, or have another size of it")
    tokens = tokenizer("", padding="max_length", max_length=tokenizer.model_max_length, return_tensors="pt")
    return torch.as_tensor(encoder(tokens.input_ids).last_hidden_state)


def _check_text_encoder(folder: Path) -> None:
    """Check the text encoder's config against the header of its weights, before transformers builds it.

    Raises:
        OSError: a file is missing.
        ValueError: the config asks for layers or sizes that the weights do not have.
        SafetensorError: the weights are damaged.
    """
    part = folder / "text_encoder"
    config, shapes = read_json(part / CONFIG, folder), stored_shapes(own_file(part / "model.safetensors", folder))
    most = max(len(shapes), *(side for shape in shapes.values() for side in shape), 1)
    if too_large := [name for name, value in config.items() if type(value) is int and value > most]:
        raise ValueError(f"{part / CONFIG}: has a {too_large[0]} beyond what its weights hold")
    if int(config.get("num_hidden_layers", 0)) > len(shapes):
        raise ValueError(f"{part / CONFIG}: has more layers than its weights")


def keep_prompt(prompt: Tensor, file: Path) -> None:
    """Write the embedding whole or not at all; a folder that cannot be written to is left as it is."""
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    with suppress(OSError, SafetensorError):
        save_file({"empty_prompt": prompt.contiguous()}, str(partial))
        partial.replace(file)
