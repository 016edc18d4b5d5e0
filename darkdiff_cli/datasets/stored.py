"""Pairs of stage 3 in files: more than memory holds, and none made twice when a run goes on."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from darkdiff_cli.datasets.pairs import FullSize, Pair
from darkdiff_cli.errors import InputError
from darkdiff_cli.files import atomically, remove_partials
from darkdiff_models.detail import Samples

NAME = "{:08d}.safetensors"
BYTES = 4 * (3 * 4 + 3 * 4 + 3 + 2 * 3)  # for an LRGB pixel: truth, colours, a byte of mask, half size and reference


class StoredPairs:
    """Pairs with their half-size pictures, one a file, in the order of their making.

    A file holds what stage 3 trains on; in place of the noisy and the clean LRGB, which it has no more use for, a pair
    that is read has its reference.

    Args:
        folder: of the files.
        count: how many pairs there are, once all are made.
        terms: what they depend on; a file that was made under other terms counts as missing.
    """

    def __init__(self, folder: Path, count: int, terms: str) -> None:
        self.folder, self.count, self.terms = folder, count, terms

    def __len__(self) -> int:
        return self.count

    def has(self, index: int) -> bool:
        """Whether a pair is there, whole and made under these terms."""
        try:
            with safe_open(str(self.path(index)), "pt") as file:
                return (file.metadata() or {}).get("terms") == self.terms
        except (OSError, SafetensorError):
            return False

    def put(self, index: int, pair: Pair) -> None:
        """Store a pair.

        Raises:
            OutputError: it cannot be written.
        """
        full = pair.full
        assert full is not None
        assert full.half is not None
        samples = full.samples
        tensors = {
            "reference": pair.reference,
            "truth": full.truth,
            "half": full.half,
            "colours": samples.colours,
            "mask": samples.mask.to(torch.uint8),
            "noise": samples.noise,
            "srgb_from_camera": samples.srgb_from_camera,
        }
        notes = {"terms": self.terms, "names": json.dumps(pair.names)}
        whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
        atomically(self.path(index), lambda partial: save_file(whole, str(partial), notes))

    def __getitem__(self, index: int) -> Pair:
        """Read a pair.

        Raises:
            InputError: its file is gone or damaged.
        """
        path = self.path(index)
        try:
            with safe_open(str(path), "pt") as file:
                values = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                names = tuple(json.loads((file.metadata() or {})["names"]))
            reference = values["reference"]
            mosaic = (values["colours"], values["mask"].float(), values["noise"], values["srgb_from_camera"])
            full = FullSize(Samples(*mosaic), values["truth"], values["half"])
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise InputError(
                f"{path}: cannot be read, but the run made it ({error}); go on with --resume, which makes it again."
            ) from error
        return Pair(reference, reference, reference, names, full)

    def path(self, index: int) -> Path:
        """The file of a pair."""
        return self.folder / NAME.format(index)


def remove_stored(folder: Path) -> None:
    """Remove the pairs of a run that has ended, and the folder if nothing else is in it."""
    if not folder.is_dir():
        return
    remove_partials(folder)
    for path in folder.glob(NAME.format(0).replace("0", "[0-9]")):
        path.unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()
