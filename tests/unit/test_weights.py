import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from safetensors.torch import load_file

from darkdiff_cli.errors import OutputError
from darkdiff_cli.weights import PUBLISHED, Network, Published, fetch_lpips, lpips_file
from darkdiff_models.learning.lpips import LPIPS


@pytest.fixture
def server(tmp_path):
    """A web server on loopback for the folder `web`."""
    (tmp_path / "web").mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "web"))
    handler.log_message = lambda *_: None
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield tmp_path / "web", f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def at(url: str, network: Network = "alex") -> Published:
    return replace(PUBLISHED[network], backbone=f"{url}/alexnet.pth", heads=f"{url}/alex.pth")


def originals(web, weights) -> None:
    """The two files as their authors publish them."""
    backbone = {k: v for k, v in weights.items() if k.startswith("features.")}
    torch.save({**backbone, "classifier.1.weight": torch.zeros(2, 2)}, web / "alexnet.pth")
    torch.save({k: v for k, v in weights.items() if k.startswith("lin")}, web / "alex.pth")


@pytest.mark.parametrize("network", ["alex", "vgg"])
def test_published_weights_are_fetched_once(server, shared, tmp_path, network: Network) -> None:
    web, url = server
    given = shared / "weights" / f"lpips_{network}.safetensors"
    originals(web, {name: value.float() for name, value in load_file(given).items()})
    target = tmp_path / "cache" / "lpips.safetensors"
    fetch_lpips(target, network, at(url, network))
    (web / "alex.pth").unlink()
    assert fetch_lpips(target, network, at(url, network)) == target
    target.write_bytes(target.read_bytes()[:-4] + b"\0\0\x80?")  # another last weight
    with pytest.raises(FileNotFoundError, match=r"alex\.pth: cannot be downloaded"):
        fetch_lpips(target, network, at(url, network))
    originals(web, {name: value.float() for name, value in load_file(given).items()})
    fetch_lpips(target, network, at(url, network))
    picture = torch.rand(1, 3, 64, 64)
    ours, theirs = (LPIPS.from_file(path, network)(picture, 1 - picture) for path in (target, given))
    assert torch.equal(ours, theirs)
    assert [p.name for p in target.parent.iterdir()] == ["lpips.safetensors"]


def test_other_weights_are_refused(server, tmp_path) -> None:
    web, url = server
    model = LPIPS()
    names = [(n, part) for n in PUBLISHED["alex"].convolutions for part in ("weight", "bias")]
    weights = {f"features.{n}.{part}": getattr(model.features[str(n)], part).detach() for n, part in names}
    weights |= {f"lin{i}.model.1.weight": head.detach() for i, head in enumerate(model.heads)}
    originals(web, weights)
    with pytest.raises(ValueError, match="not the published LPIPS"):
        fetch_lpips(tmp_path / "x.safetensors", "alex", at(url))
    (web / "alexnet.pth").write_bytes(b"<html>not found</html>")
    with pytest.raises(ValueError, match="no file of weights"):
        fetch_lpips(tmp_path / "x.safetensors", "alex", at(url))
    assert not (tmp_path / "x.safetensors").exists()


def test_offline_nothing_is_downloaded(server, shared, tmp_path, monkeypatch) -> None:
    web, url = server
    originals(web, load_file(shared / "weights" / "lpips_alex.safetensors"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(FileNotFoundError, match=r"alexnet\.pth: is not in the cache, and --offline forbids"):
        fetch_lpips(tmp_path / "x.safetensors", "alex", at(url))


def test_no_connection_is_one_sentence(server, tmp_path) -> None:
    _, url = server
    with pytest.raises(FileNotFoundError, match=r"nothing\.pth: cannot be downloaded"):
        fetch_lpips(tmp_path / "x.safetensors", "alex", replace(at(url), backbone=f"{url}/nothing.pth"))


def test_a_cache_that_cannot_be_written_is_one_sentence(server, shared, tmp_path) -> None:
    web, url = server
    originals(web, load_file(shared / "weights" / "lpips_alex.safetensors"))
    (tmp_path / "cache").touch()
    with pytest.raises(OutputError, match=r"lpips\.safetensors: cannot be written"):
        fetch_lpips(tmp_path / "cache" / "lpips.safetensors", "alex", at(url))


def test_the_users_own_file_comes_first(tmp_path) -> None:
    (tmp_path / "mine.safetensors").touch()
    assert lpips_file(tmp_path / "mine.safetensors") == tmp_path / "mine.safetensors"
