"""Pairs that are made before a stage trains, because making them takes longer than a step on them."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor, nn
from torch.utils.data import Dataset

from darkdiff_cli.datasets import Pair, collate
from darkdiff_cli.datasets.stored import BYTES, StoredPairs
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.training.loop.draws import Draws
from darkdiff_cli.training.loop.terms import Terms
from darkdiff_models.devices import autocast_dtype

AT_ONCE = 16  # half-size pictures that are made together
FREE_OF = ("stage3.optimisation", "stage3.loss", "stage3.half_weight", "stage3.shape", "stage3.kept_", "--")
"""Terms that no pair depends on, by how they begin: lengths and losses may change, and the pairs be used again."""
BUT = ("--data",)


@dataclass(frozen=True)
class Making:
    """Where and how a run makes pairs beforehand.

    Attributes:
        accelerator: this process and its device; several share the work.
        folder: of the stored pairs, the same for all processes.
        seed: of the noise maps.
        terms: of the run.
        say: takes sentences on how far it is, and on files that are left out.
    """

    accelerator: Accelerator
    folder: Path
    seed: int
    terms: Terms
    say: Callable[[str], None]


def stored_pairs(
    count: int,
    crop: int,
    pairs: Dataset[Pair],
    half_size: Callable[[Pair, Draws], Tensor],
    networks: Iterable[nn.Module],
    making: Making,
) -> StoredPairs:
    """Make the pairs that are not there yet.

    Args:
        count: pairs.
        crop: their side in LRGB pixels.
        pairs: with mosaics, to take the first `count` of.
        half_size: makes the half-size pictures of a batch.
        networks: that it runs, on the device.
        making: where.

    Returns:
        All of them, once every process is done.

    Raises:
        SettingsError: the disk has no room for them.
        OutputError: one cannot be written.
        InputError: as the pairs themselves.
    """
    accelerator, device = making.accelerator, making.accelerator.device
    stored = StoredPairs(making.folder, count, _terms(crop, networks, making))
    missing = [first for first in range(0, count, AT_ONCE) if not all(map(stored.has, _group(first, count)))]
    _check_room(making.folder, sum(len(_group(first, count)) for first in missing) * BYTES * crop**2)
    # By number, not by what is missing: another process may have begun to fill the folder.
    mine = [first for first in missing if first // AT_ONCE % accelerator.num_processes == accelerator.process_index]
    notes = list[str]()
    for done, first in enumerate(mine):
        if accelerator.is_main_process and done % max(1, len(mine) // 10) == 0:
            making.say(f"makes its pairs, {first} of {count} done.")
        several = [pairs[index] for index in range(first, first + AT_ONCE)]
        notes += [note for pair in several for note in pair.notes]
        dtype, draws = autocast_dtype(device), Draws(making.seed, first, device)
        with torch.autocast(device.type, dtype, enabled=dtype is not None):
            halves = half_size(collate(several).to(device), draws).float().cpu()
        for index in _group(first, count):
            stored.put(index, several[index - first].with_half(halves[index - first]))
    everyones = dict.fromkeys(gather_object(notes))  # when all processes are done
    if accelerator.is_main_process:
        for note in everyones:
            making.say(note)
    return stored


def _group(first: int, count: int) -> range:
    return range(first, min(first + AT_ONCE, count))


def _terms(crop: int, networks: Iterable[nn.Module], making: Making) -> str:
    """A digest of what the pairs depend on: data, seed, size, and the weights that make the half-size pictures."""
    kept = {k: v for k, v in making.terms.items() if k.startswith(BUT) or not k.startswith(FREE_OF)}
    digest = hashlib.sha256(json.dumps({**kept, "crop": crop, "seed": making.seed}, sort_keys=True).encode())
    for network in networks:
        for name, weights in network.state_dict().items():
            digest.update(name.encode() + weights.cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _check_room(folder: Path, needed: int) -> None:
    there = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(there).free
    if needed > free:
        raise SettingsError(
            f"{folder}: the kept pairs need {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free; lower "
            "stage3.kept_pairs, or choose another --output."
        )
