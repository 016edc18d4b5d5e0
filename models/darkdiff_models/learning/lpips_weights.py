"""The public LPIPS weights: downloaded once, checked, kept as safetensors."""

import hashlib
import os
import urllib.error
import urllib.request
from io import BytesIO
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

BACKBONE_URL = "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth"
HEADS_URL = "https://github.com/richzhang/PerceptualSimilarity/raw/master/lpips/weights/v0.1/alex.pth"
CONVOLUTIONS = (0, 3, 6, 8, 10)
DIGEST = "007c110a0dcbff8843dfa68963415f6d8deed560e66a3ea549470afea73d7f3f"
TIMEOUT = 60.0


def fetch_lpips(target: Path, backbone_url: str = BACKBONE_URL, heads_url: str = HEADS_URL) -> Path:
    """Download LPIPS v0.1 (AlexNet) unless the file is there already.

    The originals are pickles: only tensors are taken out of them, and the tensors must have the published values.

    Args:
        target: safetensors file to make.
        backbone_url, heads_url: torchvision's AlexNet and the reference package's learned heads.

    Raises:
        FileNotFoundError: a download failed.
        ValueError: what came is not the published weights.
    """
    if target.is_file():
        return target
    backbone, heads = (_download(url) for url in (backbone_url, heads_url))
    names = [f"features.{n}.{part}" for n in CONVOLUTIONS for part in ("weight", "bias")]
    try:
        weights = {name: backbone[name] for name in names}
        weights |= {f"lin{n}.model.1.weight": heads[f"lin{n}.model.1.weight"] for n in range(len(CONVOLUTIONS))}
    except KeyError as error:
        raise ValueError(f"{backbone_url}: holds no {error}, so it is not LPIPS v0.1") from error
    if weights_digest(weights) != DIGEST:
        raise ValueError(f"{backbone_url} and {heads_url}: are not the published LPIPS v0.1 weights")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    save_file({name: value.contiguous() for name, value in weights.items()}, str(partial))
    os.replace(partial, target)
    return target


def weights_digest(weights: dict[str, Tensor]) -> str:
    """SHA-256 of the float32 values in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode() + weights[name].float().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _download(url: str) -> dict[str, Tensor]:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            content = answer.read()
    except (urllib.error.URLError, TimeoutError, OSError) as error:
        raise FileNotFoundError(f"{url}: cannot be downloaded ({error})") from error
    try:
        loaded = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises what its unpickler raises
        raise ValueError(f"{url}: is no file of weights") from error
    return {str(name): value for name, value in loaded.items() if isinstance(value, Tensor)}
