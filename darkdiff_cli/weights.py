"""The public LPIPS weights that `train` and `bench` share: downloaded once, checked, kept as safetensors."""

import hashlib
import urllib.error
import urllib.request
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from darkdiff_cli.files import atomically

if TYPE_CHECKING:
    from torch import Tensor

Network = Literal["alex", "vgg"]


@dataclass(frozen=True)
class Published:
    """LPIPS v0.1 of one network, as its authors publish it.

    Attributes:
        backbone: address of torchvision's weights.
        heads: address of the learned heads in the reference package.
        convolutions: numbers of the backbone's convolutions in torchvision.
        digest: SHA-256 of all values, rounded to float16, in the order of their names.
    """

    backbone: str
    heads: str
    convolutions: tuple[int, ...]
    digest: str


TORCHVISION = "https://download.pytorch.org/models"
HEADS = "https://github.com/richzhang/PerceptualSimilarity/raw/master/lpips/weights/v0.1"
PUBLISHED: dict[Network, Published] = {
    "alex": Published(
        f"{TORCHVISION}/alexnet-owt-7be5be79.pth", f"{HEADS}/alex.pth", (0, 3, 6, 8, 10),
        "051d6cbe59aaa32d9991f35a53d0b44a648936caeafc9165bf0eaac35726316c",
    ),
    "vgg": Published(
        f"{TORCHVISION}/vgg16-397923af.pth", f"{HEADS}/vgg.pth", (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
        "5e73e1f82cf63ac34fa24044f84f086ecd85f7f4bad09e51fe5467760d4f98e4",
    ),
}  # fmt: skip
STAGES = 5  # of features that are compared, each with a head
TIMEOUT = 60.0  # seconds


def lpips_file(given: Path | None, network: Network = "alex") -> Path:
    """The user's file where there is one, else the public weights, downloaded once into the platform's cache.

    Raises:
        ValueError: the user's is no file.
        FileNotFoundError, ValueError, OutputError: as `fetch_lpips`.
    """
    import platformdirs

    if given is not None:
        check_lpips_file(given)
        return given
    return fetch_lpips(platformdirs.user_cache_path("darkdiff") / f"lpips_{network}.safetensors", network)


def check_lpips_file(given: Path) -> None:
    """Refuse what cannot be read as weights: a pipe would not open until somebody writes to it.

    Raises:
        ValueError: it is no file.
    """
    if not given.is_file():
        raise ValueError(f"{given}: is no file of LPIPS weights")


def fetch_lpips(target: Path, network: Network, published: Published | None = None) -> Path:
    """Download LPIPS v0.1 unless the file is there already, with the published values.

    The originals are pickles: only tensors are taken out of them, and the tensors must have the published values.

    Args:
        target: safetensors file to make.
        network: "alex" or "vgg".
        published: where from; None for the authors' addresses.

    Raises:
        FileNotFoundError: a download failed.
        ValueError: what came is not the published weights.
        OutputError: the file cannot be written.
    """
    from safetensors.torch import save

    source = published or PUBLISHED[network]
    if target.is_file() and _is_whole(target, source.digest):
        return target
    backbone, heads = (_download(url) for url in (source.backbone, source.heads))
    names = [f"features.{n}.{part}" for n in source.convolutions for part in ("weight", "bias")]
    try:
        weights = {name: backbone[name] for name in names}
        weights |= {f"lin{n}.model.1.weight": heads[f"lin{n}.model.1.weight"] for n in range(STAGES)}
    except KeyError as error:
        raise ValueError(f"{source.backbone}: holds no {error}, so it is not LPIPS v0.1") from error
    if _digest(weights) != source.digest:
        raise ValueError(f"{source.backbone} and {source.heads}: are not the published LPIPS v0.1 weights")
    content = save({name: value.contiguous() for name, value in weights.items()})
    atomically(target, lambda partial: partial.write_bytes(content))
    return target


def _is_whole(target: Path, digest: str) -> bool:
    """Whether a file in the cache holds the published values; one that was changed or damaged is fetched again."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return _digest(load(target.read_bytes())) == digest
    except (OSError, SafetensorError):
        return False


def _digest(weights: "dict[str, Tensor]") -> str:
    """SHA-256 of the values, rounded to float16, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode() + weights[name].half().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _download(url: str) -> "dict[str, Tensor]":
    import torch

    from darkdiff_models.connections import is_offline

    if is_offline():
        raise FileNotFoundError(f"{url}: is not in the cache, and --offline forbids to fetch it")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            content = answer.read()
    except (urllib.error.URLError, TimeoutError, OSError) as error:
        raise FileNotFoundError(f"{url}: cannot be downloaded ({error})") from error
    try:
        loaded = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises what its unpickler raises
        raise ValueError(f"{url}: is no file of weights") from error
    return {str(name): value for name, value in loaded.items() if isinstance(value, torch.Tensor)}
