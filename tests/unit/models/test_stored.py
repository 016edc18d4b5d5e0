"""A model from a stranger is refused in one sentence before it takes memory, runs code or reads what is not its own."""

import json
import logging
import math
import os
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save_file

from darkdiff_models.checkpoints import load_pipeline
from darkdiff_models.stored import RENAMED, read_network, without_values
from tests.unit.models.networks.test_autoencoder import stock as stock_vae

WEIGHTS, INDEX = "diffusion_pytorch_model.safetensors", "model_index.json"
Change = Callable[[Path], object]


@pytest.fixture
def model(model_folder: Path, tmp_path: Path) -> Path:
    """A saved toy model that may be changed."""
    return Path(shutil.copytree(model_folder, tmp_path / "toy"))


def config(part: str, **values: object) -> Change:
    """Other values in a part's config."""

    def change(model: Path) -> None:
        path = model / part / ("scheduler_config.json" if part == "scheduler" else "config.json")
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    return change


def index(**values: object) -> Change:
    """Other values in the index."""

    def change(model: Path) -> None:
        path = model / "model_index.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    return change


def written(name: str, text: str) -> Change:
    """Other text in a file."""
    return lambda model: (model / name).write_text(text)


def tensors(part: str, change: Callable[[dict[str, torch.Tensor]], object]) -> Change:
    """Other tensors in a part's weights."""

    def changed(model: Path) -> None:
        weights = load_file(model / part / WEIGHTS)
        change(weights)
        save_file(weights, model / part / WEIGHTS, metadata={"format": "pt"})

    return changed


def header(part: str, shape: list[int]) -> Change:
    """Weights of one absurd tensor, whose file is a hole that takes no room on the disk."""

    def change(model: Path) -> None:
        size = 2 * torch.Size(shape).numel()
        words = json.dumps({"huge": {"dtype": "F16", "shape": shape, "data_offsets": [0, size]}}).encode()
        path = model / part / WEIGHTS
        path.write_bytes(len(words).to_bytes(8, "little") + words)
        os.truncate(path, 8 + len(words) + size)

    return change


def pickled(model: Path) -> None:
    """Weights as a pickle, which would run a command when it is loaded."""

    class Command:
        def __reduce__(self) -> Any:
            return os.system, ("touch pickle-was-loaded",)

    (model / "unet" / WEIGHTS).unlink()
    for name in ("diffusion_pytorch_model.bin", "diffusion_pytorch_model.ckpt", "pytorch_model.bin"):
        (model / "unet" / name).write_bytes(pickle.dumps(Command()))


def sharded(model: Path) -> None:
    """An index of shards, one of which lies elsewhere."""
    (model / "unet" / WEIGHTS).rename(model.parent / "elsewhere.safetensors")
    names = dict.fromkeys(load_file(model.parent / "elsewhere.safetensors"), "../../elsewhere.safetensors")
    written(f"unet/{WEIGHTS}.index.json", json.dumps({"metadata": {}, "weight_map": names}))(model)


def sharded_beside(model: Path) -> None:
    """The same beside the weights themselves, which diffusers would then not read."""
    sharded(model)
    shutil.copyfile(model.parent / "elsewhere.safetensors", model / "unet" / WEIGHTS)


def linked_out(model: Path) -> None:
    """Weights that are a link to a file outside."""
    (model / "unet" / WEIGHTS).rename(model.parent / "elsewhere.safetensors")
    (model / "unet" / WEIGHTS).symlink_to("../../elsewhere.safetensors")


def in_place_of(name: str, make: Callable[[Path], object]) -> Change:
    """Something else in the place of a file."""

    def change(model: Path) -> None:
        (model / name).unlink()
        make(model / name)

    return change


HOSTILE: dict[str, tuple[Change, str]] = {
    "channels": (config("unet", block_out_channels=[1_000_000, 2_000_000], norm_num_groups=8), r"has .* of \(\d+"),
    "layers": (config("unet", layers_per_block=100_000), "describes far more tensors than the"),
    "levels": (config("vae", block_out_channels=[8] * 10_000), r"vae/config.json: .*\.\.\., .*a list of 1 to 8, each"),
    "negative": (config("context", prompt_tokens=-1), "context/config.json: has prompt_tokens -1, .* number from 1 on"),
    "words": (config("context", block_out_channels="many"), 'has block_out_channels "many", which is no such setting'),
    "groups": (config("context", norm_num_groups=0), "context/config.json: has norm_num_groups 0"),
    "quantised": (config("unet", quantization_config={"quant_method": "bitsandbytes"}), "asks for quantised weights"),
    "nested": (written("unet/config.json", "[" * 100_000), "is no JSON"),
    "long": (written("unet/config.json", " " * 2_000_000 + "{}"), "is too large for a config"),
    "list": (written("unet/config.json", "[1, 2]"), "holds no settings by name"),
    "index is a list": (written("model_index.json", "[]"), "holds no settings by name"),
    "foreign class": (index(unet=["os", "system"]), r"names os\.system for unet"),
    "foreign module": (index(unet=["evil_module", "DarkDiffUNet"]), r"names evil_module\.DarkDiffUNet for unet"),
    "diffusers' pipeline": (index(scheduler=["diffusers", "DiffusionPipeline"]), "for scheduler, which is no part"),
    "another scheduler": (index(scheduler=["diffusers", "PNDMScheduler"]), "for scheduler, which is no part"),
    "the context as denoiser": (index(unet=["darkdiff_models", "ContextProcessor"]), "ContextProcessor for unet"),
    "module file": (index(unet=["../evil", "DarkDiffUNet"]), r"names \.\./evil\.DarkDiffUNet"),
    "part elsewhere": (index(**{"../unet": ["darkdiff_models", "DarkDiffUNet"]}), r"for \.\./unet, which is no part"),
    "another pipeline": (index(_class_name="StableDiffusionPipeline"), "names StableDiffusionPipeline"),
    "unknown setting": (index(trust_remote_code=True), "has trust_remote_code true, which is no setting"),
    "format of other channels": (index(data_format="raw-raw"), "does not fit the channels of vae"),
    "class of a config": (config("unet", _class_name="os.system"), 'unet/config.json: has _class_name "os.system"'),
    "class of a schedule": (config("scheduler", _class_name="os.system"), 'config.json: has _class_name "os.system"'),
    "scale that is none": (config("vae", scaling_factor=[1]), r"vae/config.json: has scaling_factor \[1\], which"),
    "scale of NaN": (config("vae", scaling_factor=math.nan), "scaling_factor NaN, .* a number from 0.0001 to 10000"),
    "scale of nothing": (config("vae", scaling_factor=1e-320), "scaling_factor 1e-320, which is no such setting"),
    "anchor of earlier versions": (config("vae", colour_anchor="yes"), 'colour_anchor "yes", .* must be true or false'),
    "huge regions": (config("unet", region_size=2000), "region_size 2000, .* a whole number from 0 to 64"),
    "no such conditioning": (config("unet", conditioning="evil"), 'conditioning "evil", .* attention or concat or'),
    "heads that do not divide": (config("unet", num_heads=[3, 4]), "num_heads that do not divide"),
    "no heads": (config("unet", num_heads=[0, 4]), r"num_heads \[0, 4\], which is no such setting"),
    "heads of fewer levels": (config("unet", num_heads=[2]), r"has num_heads \[2\], and block_out_channels \[16, 32\]"),
    "pickle": (pickled, rf"{WEIGHTS} is missing"),
    "shards": (sharded, "index.json: asks for weights in several files"),
    "shards beside the weights": (sharded_beside, "index.json: asks for weights in several files"),
    "link": (linked_out, "leads out of the model's folder"),
    "link to itself": (in_place_of(f"unet/{WEIGHTS}", lambda path: path.symlink_to(WEIGHTS)), r"tensors: Too many lev"),
    "index linked to itself": (in_place_of(INDEX, lambda path: path.symlink_to(INDEX)), rf"{INDEX}: Too many levels"),
    "device": (in_place_of(f"unet/{WEIGHTS}", lambda path: path.symlink_to("/dev/zero")), "is no plain file"),
    "pipe": (in_place_of("unet/config.json", lambda path: os.mkfifo(path)), "is no plain file"),
    "pipe of weights": (in_place_of(f"vae/{WEIGHTS}", lambda path: os.mkfifo(path)), "is no plain file"),
    "index is a pipe": (in_place_of(INDEX, lambda path: os.mkfifo(path)), rf"{INDEX}: is no plain file"),
    "folder": (in_place_of("scheduler/scheduler_config.json", lambda path: path.mkdir()), "json: is no plain file"),
    "no weights": (in_place_of(f"unet/{WEIGHTS}", lambda path: None), "is missing"),
    "cut off": (lambda model: os.truncate(model / "unet" / WEIGHTS, 5000), rf"unet/{WEIGHTS}: is damaged \(.*\); get"),
    "huge": (header("unet", [1_000_000, 1_000_000]), r"needs 2000\.0 GB of memory, and this machine has"),
    "numbers": (tensors("unet", lambda w: w.update({"x": torch.ones(2).long()})), "x is I64, which no weight is"),
    "renamed": (tensors("unet", lambda w: w.update({"conv.x": w.pop("conv_in.weight")})), "the weights of"),
    "one more": (tensors("vae", lambda w: w.update({"x": torch.ones(2)})), r"has x of no size, and .* of \(2,\)"),
    "one less": (tensors("vae", lambda w: w.pop(min(w))), "and the weights of none"),
    "NaN": (tensors("unet", lambda w: w["conv_in.bias"].fill_(math.nan)), "NaN or infinite weights in conv_in.bias"),
    "one infinite": (tensors("context", lambda w: w["conv_in.bias"][:1].fill_(math.inf)), r"context/.*: has NaN"),
}  # fmt: skip


POSIX = {"link", "link to itself", "index linked to itself", "device", "pipe", "pipe of weights", "index is a pipe"}
if sys.platform == "win32":
    HOSTILE = {name: case for name, case in HOSTILE.items() if name not in POSIX}


@pytest.mark.parametrize(("change", "why"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_model_is_refused_before_it_takes_memory(
    model: Path, change: Change, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    change(model)
    process, before = psutil.Process(), psutil.Process().memory_info().rss
    with pytest.raises(ValueError, match=why) as refusal:
        load_pipeline(model)
    assert process.memory_info().rss - before < 300e6
    assert str(refusal.value).startswith(f"{model}: ")
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "pickle-was-loaded").exists()


def test_the_toy_model_itself_is_taken(model: Path) -> None:
    """Else whatever is wrong with it would let everything above pass."""
    pickles = [model / "unet" / name for name in ("diffusion_pytorch_model.bin", "pytorch_model.ckpt")]
    for path in pickles:
        path.write_bytes(b"never looked at")
    (model / "link").symlink_to(model / "unet", target_is_directory=True)
    assert load_pipeline(model.rename(model.with_name("moved"))).config["default_steps"] == 2


def test_what_a_config_has_beside_its_settings_is_printed_by_nobody(model: Path) -> None:
    for part in ("vae", "unet", "context", "scheduler"):
        config(part, **{"\x1b[31mred": "\x1b[2J"})(model)
    heard: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = heard.append  # type: ignore[method-assign]
    logging.getLogger("diffusers").addHandler(handler)
    try:
        load_pipeline(model)
    finally:
        logging.getLogger("diffusers").removeHandler(handler)
    assert [record.getMessage() for record in heard] == []


def test_the_names_of_the_first_autoencoders_of_stable_diffusion_are_known(tmp_path: Path) -> None:
    vae = stock_vae(mid_block_add_attention=True)
    vae.save_pretrained(tmp_path)
    weights = load_file(tmp_path / WEIGHTS)

    def first_name(name: str) -> str:
        for old, new in RENAMED.items():
            name = name.replace(new, old) if "attentions" in name else name
        return name

    save_file({first_name(name): value for name, value in weights.items()}, tmp_path / WEIGHTS)
    assert any(".query." in name for name in load_file(tmp_path / WEIGHTS))
    settings = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**settings, "_diffusers_version": "0.8.0"}))
    loaded = read_network(AutoencoderKL, tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), vae.parameters(), strict=True))


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_a_network_is_ready_in_fp32_and_its_file_may_change(dtype: torch.dtype, tmp_path: Path) -> None:
    vae = stock_vae().to(dtype)
    vae.save_pretrained(tmp_path)
    loaded, file = read_network(AutoencoderKL, tmp_path), tmp_path / WEIGHTS
    file.write_bytes(bytes(file.stat().st_size))  # in its place: what is mapped changes with it
    assert not loaded.training
    for name, value in vae.state_dict().items():
        assert loaded.state_dict()[name].dtype == torch.float32
        assert torch.equal(loaded.state_dict()[name], value.float())
    assert all(parameter.requires_grad for parameter in loaded.parameters())


def test_describing_leaves_nothing_behind() -> None:
    """Neither the hook that counts nor the place where values take no memory."""
    with pytest.raises(ValueError, match="far more tensors"):
        without_values(AutoencoderKL, {"layers_per_block": 1000}, 10)
    assert torch.nn.Linear(30, 300, device=None).weight.device.type == "cpu"
    assert len([torch.nn.Linear(1, 1) for _ in range(1000)]) == 1000
