"""What comes from a hub is what was published there, at a known revision; offline it is not asked for."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from darkdiff_models.base_models import load_base
from darkdiff_models.checkpoints import load_pipeline
from darkdiff_models.digest import folder_of, model_digest
from darkdiff_models.finding import MODEL_FILES, find_model
from darkdiff_models.hub import TamperedError, revision_of, tampered
from tests.hub import COMMIT, Hub, serving

WEIGHTS, CONFIG = Path("unet/diffusion_pytorch_model.safetensors"), Path("unet/config.json")
CONNECTIONS: list[str] = []
"""Events of this process that reach for a network, once `watch_connections` was called."""


@pytest.fixture
def hub(model_folder: Path, tmp_path: Path) -> Iterator[Hub]:
    with serving(model_folder, tmp_path / "cache") as served:
        yield served


def watch_connections() -> None:
    """Note every connection from now on; a hook of Python's audit cannot be taken off again."""
    if not CONNECTIONS:
        sys.addaudithook(
            lambda event, _: (
                CONNECTIONS.append(event)
                if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto")
                else None
            )
        )


def test_a_model_is_fetched_once_at_the_newest_revision(hub: Hub, model_folder: Path) -> None:
    pipeline = load_pipeline("here/toy")
    assert pipeline.config["default_steps"] == 2
    folder = folder_of(pipeline)
    assert revision_of(folder) == COMMIT
    assert model_digest(folder) == model_digest(model_folder)
    hub.asked.clear()
    assert find_model("here/toy") == folder
    assert not [path for path in hub.asked if "/resolve/" in path]
    with pytest.raises(FileNotFoundError, match=r"^no model 'here/nothing': it is .* nor on the hub$"):
        load_pipeline("here/nothing")


def test_a_revision_can_be_asked_for(hub: Hub, model_folder: Path, tmp_path: Path) -> None:
    newer = Path(shutil.copytree(model_folder, tmp_path / "newer"))
    index = json.loads((newer / "model_index.json").read_text())
    (newer / "model_index.json").write_text(json.dumps({**index, "default_steps": 3}))
    hub.publish("f" * 40, newer)
    assert load_pipeline("here/toy").config["default_steps"] == 3
    assert load_pipeline(f"here/toy@{COMMIT}").config["default_steps"] == 2
    assert revision_of(find_model("here/toy@main")) == "f" * 40
    with pytest.raises(FileNotFoundError, match=r"no model 'here/toy@0000"):
        find_model("here/toy@" + "0" * 40)


def overwrite(path: Path) -> None:
    """Other bytes in the blob, of the same number, at the same time."""
    blob, stat = path.resolve(), path.stat()
    content = bytearray(blob.read_bytes())
    content[-1] ^= 1
    blob.write_bytes(content)
    os.utime(blob, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def replace_link(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1] + b"?")


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG], ids=str)
@pytest.mark.parametrize("change", [overwrite, replace_link, lambda path: path.resolve().unlink()],
                         ids=["overwritten", "link replaced", "blob gone"])  # fmt: skip
def test_what_was_tampered_with_is_found_and_fetched_again(
    hub: Hub, model_folder: Path, name: Path, change: Callable[[Path], None]
) -> None:
    folder = find_model("here/toy")
    model_digest(folder)  # digests are remembered, but not beyond a change
    change(folder / name)
    assert tampered(folder, MODEL_FILES) == [folder / name]
    assert find_model("here/toy") == folder
    assert (folder / name).read_bytes() == (model_folder / name).read_bytes()
    assert tampered(folder, MODEL_FILES) == []


def test_a_hub_that_sends_something_else_than_it_says_is_not_believed(hub: Hub) -> None:
    hub.lies = True
    with pytest.raises(TamperedError, match="does not have the digest that the hub gives it; use another source"):
        load_pipeline("here/toy")
    with pytest.raises(FileNotFoundError, match="does not have the digest that the hub gives it"):
        load_base("here/toy")


def test_offline_opens_no_connection(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = find_model("here/toy")
    watch_connections()
    with socket.create_connection(("127.0.0.1", hub.port)):
        assert "socket.connect" in CONNECTIONS  # the watch works
    CONNECTIONS.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert folder_of(load_pipeline("here/toy")) == folder
    with pytest.raises(FileNotFoundError, match=r"nor in the cache, and --offline forbids to fetch it$"):
        load_pipeline("here/other")
    with pytest.raises(FileNotFoundError, match="in the cache, and --offline forbids to fetch one"):
        load_base("stable-diffusion-2-1-base")
    overwrite(folder / WEIGHTS)
    with pytest.raises(TamperedError, match="is not what was downloaded; fetch it again by a run without --offline"):
        load_pipeline("here/toy")
    assert (folder / WEIGHTS).exists()  # what cannot be had again is not removed
    assert CONNECTIONS == []


def test_telemetry_is_off_before_the_client_can_read_it() -> None:
    program = (
        "import sys, darkdiff_cli.model_list\n"
        "assert not {'huggingface_hub', 'diffusers'} & set(sys.modules)\n"
        "import diffusers.utils.hub_utils as diffusers, huggingface_hub.constants as hub\n"
        "print(hub.HF_HUB_DISABLE_TELEMETRY, diffusers.HF_HUB_DISABLE_TELEMETRY)"
    )
    words = {name: value for name, value in os.environ.items() if "TELEMETRY" not in name}
    words |= {"HF_HUB_DISABLE_TELEMETRY": "0", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=words, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["True", "True"], done.stderr
