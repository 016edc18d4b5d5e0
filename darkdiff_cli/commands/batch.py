"""`darkdiff batch`: a folder of raws, a night's shoot, an archive."""

import hashlib
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from darkdiff_cli.commands.options import SUFFIXES, Format, Sampler, photo_format, picture_settings
from darkdiff_cli.commands.progress import batch_progress
from darkdiff_cli.errors import DarkdiffError, SettingsError

if TYPE_CHECKING:
    from darkdiff_cli.engines.jobs import Job
    from darkdiff_cli.engines.ledger import Entry
    from darkdiff_cli.engines.local import Summary
    from darkdiff_cli.enhancer import EnhanceSettings

LARGE = 100_000_000  # bytes; larger weights are told apart by size and time, not by content


def batch(
    folder: Annotated[Path, typer.Argument(help="Folder of raw files.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder of the photos. Default: darkdiff/ inside FOLDER.")
    ] = None,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Subfolders too; their structure is kept.")] = (
        False
    ),
    include: Annotated[list[str] | None, typer.Option(help="Only names or paths like this; several times.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="No names or paths like this; several times.")] = None,
    guidance: Annotated[float | None, typer.Option(min=0, help="Guidance scale. Default: the model's.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, max=1000, help="Denoising steps. Default: the model's.")] = None,
    ratio: Annotated[str, typer.Option(help="Amplification ratio: auto for each file, or a number.")] = "auto",
    ev: Annotated[float, typer.Option(min=-10, max=10, help="Exposure compensation in stops.")] = 0.0,
    black: Annotated[float | None, typer.Option(min=0, help="Black level in DN. Default: from the file.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the noise, the same for every file.")] = 0,
    model: Annotated[str, typer.Option(help="tiny (bundled), a folder, or a hub id.")] = "tiny",
    sampler: Annotated[Sampler | None, typer.Option(help="Diffusion sampler. Default: the model's.")] = None,
    format_: Annotated[Format | None, typer.Option("--format", help="Output format. Default: jpeg.")] = None,
    bit_depth: Annotated[int | None, typer.Option(help="8, or 16 for TIFF. Default: 8 for JPEG, 16 for TIFF.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    tile: Annotated[int | None, typer.Option(min=8, help="Denoiser tile in latents.")] = None,
    checksum: Annotated[bool, typer.Option("--checksum", help="Know inputs by content, not by size and time.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Try again what failed before.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Make every photo again.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")] = False,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that one file may take to decode.")] = 120.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> int:
    """Turn every dark raw of a folder into a photo. A second run does only what is new, changed or was cut off.

    Exit code 0: all done; 1: some failed; 130: interrupted after the current file.
    """
    kind = photo_format(format_, None)
    settings = picture_settings(ratio, ev, black, steps, guidance, sampler, tile, seed, kind, bit_depth, overwrite)
    root = output or folder / "darkdiff"
    if root.exists() and not root.is_dir():
        raise SettingsError(f"-o {root}: is no folder; choose another.")
    from darkdiff_cli.engines.jobs import find_jobs
    from darkdiff_cli.engines.ledger import Ledger

    jobs = find_jobs(folder, root, SUFFIXES[kind], recursive, include or (), exclude or ())
    ledger = Ledger(root)
    todo, skipped, lost = _todo(jobs, ledger, settings, model, checksum, retry_failed, overwrite)
    if dry_run:
        for job, _ in todo:
            print(f"{job.relative} -> {job.output}")
        print(f"{len(todo)} to do, {skipped} done or failed before", file=sys.stderr)
        return 0
    from darkdiff_cli.engines.local import LocalBatch, Summary

    summary = Summary(failed=lost)
    if todo:
        from darkdiff_cli.enhancer import Enhancer

        runner = LocalBatch(Enhancer(model, device), settings, ledger, root, timeout)
        runner.summary.failed += lost
        with batch_progress(quiet) as report:
            summary = runner.run(todo, report)
    summary.skipped += skipped
    _show(summary, as_json, quiet)
    if summary.stopped == "interrupted":
        raise KeyboardInterrupt
    return 1 if summary.failed or summary.stopped else 0


def _todo(
    jobs: "list[Job]", ledger: Any, settings: "EnhanceSettings", model: str, checksum: bool, retry_failed: bool,
    overwrite: bool,
) -> "tuple[list[tuple[Job, str]], int, list[Entry]]":  # fmt: skip
    """What the ledger does not hold yet, how many it does, and files that vanished while looking."""
    from darkdiff_cli.engines.ledger import Entry, job_key

    known, words = ledger.entries(), asdict(replace(settings, overwrite=False))
    weights = _model_identity(model)
    todo, lost, skipped = [], [], 0
    for job in jobs:
        try:
            key = job_key(job.identity(checksum), {**words, "output": job.output.name}, weights)
        except DarkdiffError as error:
            lost.append(Entry("", job.relative, job.output.name, "failed", str(error)))
            continue
        entry = known.get(key)
        finished = entry is not None and entry.status == "done" and job.output.exists()
        given_up = entry is not None and entry.status == "failed" and not retry_failed
        if (finished or given_up) and not overwrite:
            skipped += 1
        else:
            todo.append((job, key))
    return todo, skipped, lost


def _model_identity(model: str) -> str:
    """What tells one model's weights from another's, without loading them."""
    from importlib.resources import files

    bundled = Path(str(files("darkdiff_models"))) / "pretrained" / model
    folder = Path(model) if Path(model).is_dir() else bundled
    digest = hashlib.blake2b(model.encode() if not folder.is_dir() else b"", digest_size=16)
    for path in sorted([*folder.rglob("*.safetensors"), *folder.rglob("*.json")]) if folder.is_dir() else []:
        stat = path.stat()
        content = f"{stat.st_size}|{stat.st_mtime_ns}".encode() if stat.st_size > LARGE else path.read_bytes()
        digest.update(path.relative_to(folder).as_posix().encode() + content)
    return digest.hexdigest()


def _show(summary: "Summary", as_json: bool, quiet: bool) -> None:
    """Paths or JSON on stdout; failures and counts on stderr."""
    if as_json:
        print(
            json.dumps(
                {
                    "done": [asdict(entry) for entry in summary.done],
                    "failed": [asdict(entry) for entry in summary.failed],
                    "skipped": summary.skipped,
                    "stopped": summary.stopped,
                }
            )
        )
    else:
        for entry in summary.done:
            print(entry.output)
    for entry in summary.failed:
        print(f"darkdiff: {entry.error}", file=sys.stderr)
    if summary.stopped and summary.stopped != "interrupted":
        print(f"darkdiff: {summary.stopped}", file=sys.stderr)
    if not quiet:
        print(f"{len(summary.done)} done, {len(summary.failed)} failed, {summary.skipped} skipped", file=sys.stderr)
