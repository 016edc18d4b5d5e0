import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from darkdiff_models.checkpoints import (
    EMPTY_PROMPT_FILE,
    Base,
    _keep_prompt,
    load_base,
    load_base_autoencoder,
    load_pipeline,
    save_base,
)
from tests.conftest import make_pipeline
from tests.unit.models.networks.test_autoencoder import stock as stock_vae
from tests.unit.models.networks.test_unet import prompt
from tests.unit.models.networks.test_unet import stock as stock_unet

SCHEDULER = {"beta_schedule": "scaled_linear", "prediction_type": "v_prediction"}


@pytest.fixture(scope="module")
def base_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    save_base(Base(stock_vae(), stock_unet(), SCHEDULER, prompt()), folder)
    return folder


def test_base_survives_saving(base_folder: Path) -> None:
    base = load_base(base_folder)
    assert torch.equal(base.empty_prompt, prompt())
    assert base.scheduler["prediction_type"] == "v_prediction"
    assert all(torch.equal(a, b) for a, b in zip(base.unet.parameters(), stock_unet().parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(base.vae.parameters(), stock_vae().parameters(), strict=True))


def test_missing_text_encoder_says_what_to_install(base_folder: Path, tmp_path: Path) -> None:
    for part in base_folder.iterdir():
        if part.is_dir():
            (tmp_path / part.name).symlink_to(part)
    with pytest.raises((ModuleNotFoundError, FileNotFoundError), match=r"with transformers|tokenizer"):
        load_base(tmp_path)


def test_the_empty_prompt_is_kept_for_the_next_time(base_folder: Path, tmp_path: Path) -> None:
    for part in base_folder.iterdir():
        if part.is_dir():
            (tmp_path / part.name).symlink_to(part)
    _keep_prompt(prompt() * 2, tmp_path / EMPTY_PROMPT_FILE)
    assert torch.equal(load_base(tmp_path).empty_prompt, prompt() * 2)
    assert {path.name for path in tmp_path.iterdir()} == {"vae", "unet", "scheduler", EMPTY_PROMPT_FILE}
    _keep_prompt(prompt(), tmp_path / "read-only" / EMPTY_PROMPT_FILE)  # no such folder to write to


def test_a_folder_without_parts_is_not_looked_for_on_the_hub(tmp_path: Path, monkeypatch) -> None:
    """diffusers takes the relative path "empty/vae" for a repository of that name."""
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"^empty/vae: is missing or damaged") as failure:
        load_base_autoencoder("empty")
    assert "is no folder" in str(failure.value.__cause__)


def test_stage_1_needs_the_autoencoder_of_a_base_alone(base_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "vae").symlink_to(base_folder / "vae")
    loaded = load_base_autoencoder(tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), stock_vae().parameters(), strict=True))


@pytest.mark.parametrize("load", [load_base, load_base_autoencoder])
def test_a_folder_that_is_no_base_is_named(load, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=rf"{tmp_path}/vae: is missing or damaged; give a Stable Diffusion 2.1"):
        load(tmp_path)


def test_half_precision_weights_load_as_single(tmp_path: Path) -> None:
    pipeline = make_pipeline()
    for network in (pipeline.vae, pipeline.unet, pipeline.context):
        network.half()
    pipeline.save_pretrained(tmp_path)
    assert {p.dtype for p in load_pipeline(tmp_path).unet.parameters()} == {torch.float32}


def test_weights_that_do_not_fit_the_config_are_refused(tmp_path: Path) -> None:
    """diffusers would draw the missing ones at random, and every photo would be noise."""
    make_pipeline().save_pretrained(tmp_path)
    file = tmp_path / "context" / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    name = next(iter(weights))
    save_file({key: value for key, value in weights.items() if key != name}, file)
    with pytest.raises(ValueError, match=rf"the weights in context do not fit its config: {name}"):
        load_pipeline(tmp_path)
    save_file({**weights, "more": torch.zeros(1)}, file)
    with pytest.raises(ValueError, match="the weights in context do not fit its config: more"):
        load_pipeline(tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("model_index.json", '{"default_steps": "many"}', "default_steps must be of type int"),
        ("model_index.json", '{"default_step": 4}', "the unknown setting default_step"),
        ("model_index.json", "[]", "holds no settings"),
        ("model_index.json", '{"data_format": "raw-raw"}', "data_format raw-raw does not fit the channels of vae"),
        ("model_index.json", '{"data_format": "x"}', "the unknown data_format x"),
        ("unet/config.json", '{"block_out_channels": []}', "is no complete DarkDiff model"),
        ("vae/config.json", '{"block_out_channels": 3}', "is no complete DarkDiff model"),
    ],
)
def test_settings_that_make_no_sense_are_one_line(file: str, content: str, words: str, tmp_path: Path) -> None:
    make_pipeline().save_pretrained(tmp_path)
    values, changed = json.loads((tmp_path / file).read_text()), json.loads(content)
    (tmp_path / file).write_text(json.dumps({**values, **changed} if changed else changed))
    with pytest.raises(ValueError, match=words) as failure:
        load_pipeline(tmp_path)
    assert "\n" not in str(failure.value)


class Hub(http.server.SimpleHTTPRequestHandler):
    """As much of a model hub as the client asks for: the list of files, and the files."""

    folder: Path
    commit = "0123456789abcdef0123456789abcdef01234567"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        names = sorted(str(p.relative_to(self.folder)) for p in self.folder.rglob("*") if p.is_file())
        path = self.path.split("?")[0]
        if path.startswith("/api/models/here/toy/revision/"):
            listing = {"id": "here/toy", "sha": self.commit, "siblings": [{"rfilename": name} for name in names]}
            return self._send(json.dumps(listing).encode(), "application/json", body)
        if path.startswith("/api/models/here/toy/tree/"):
            sizes = {name: (self.folder / name).stat().st_size for name in names}
            tree = [{"type": "file", "path": name, "size": size, "oid": "0" * 40} for name, size in sizes.items()]
            return self._send(json.dumps(tree).encode(), "application/json", body)
        name = path.partition(f"/here/toy/resolve/{self.commit}/")[2]
        if name in names:
            return self._send((self.folder / name).read_bytes(), "application/octet-stream", body)
        return self.send_error(404)

    def _send(self, content: bytes, kind: str, body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hash(content) & 0xFFFFFFFF:x}"')
        self.send_header("X-Repo-Commit", self.commit)
        self.end_headers()
        if body:
            self.wfile.write(content)


def test_model_is_fetched_from_a_hub(tmp_path: Path) -> None:
    make_pipeline().save_pretrained(tmp_path / "toy")
    Hub.folder = tmp_path / "toy"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    program = (
        "from darkdiff_models.checkpoints import load_pipeline\n"
        "print(load_pipeline('here/toy').config['default_steps'])\n"
        "try: load_pipeline('here/nothing')\n"
        "except FileNotFoundError as error: print(error)\n"
    )
    environment = {
        **os.environ,
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "HF_HOME": str(tmp_path / "cache"),
        "no_proxy": "127.0.0.1",
        "PYTHONPATH": str(Path(__file__).parents[3] / "models"),
    }
    try:
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
    finally:
        server.shutdown()
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "2"
    assert "here/nothing" in done.stdout.splitlines()[1]
