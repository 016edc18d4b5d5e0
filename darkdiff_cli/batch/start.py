"""From a plan to a finished batch: which engine works, and who stops it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from darkdiff_cli.batch.arrivals import Arrivals
from darkdiff_cli.batch.claims import Claims, Task
from darkdiff_cli.batch.ledger import Ledger
from darkdiff_cli.batch.plan import Plan
from darkdiff_cli.batch.run import RAWS, BatchRun
from darkdiff_cli.batch.settings import WorkerSettings
from darkdiff_cli.batch.steps import Finished
from darkdiff_cli.batch.tally import Keep, Report, Summary, Tally
from darkdiff_cli.errors import SettingsError
from darkdiff_cli.interrupt import StopRequest

EngineName = Literal["local", "ray"]


@dataclass(frozen=True)
class Engine:
    """Where a batch runs.

    Attributes:
        name: "local": on this machine's devices; "ray": on a cluster.
        devices: of the local engine, see `parse_devices`.
        address: of a Ray cluster; None starts one on this machine.
        workers: how many workers Ray has.
    """

    name: EngineName = "local"
    devices: str = "auto"
    address: str | None = None
    workers: int | None = None


def run_batch(
    plan: Plan,
    output: Path,
    settings: WorkerSettings,
    engine: Engine,
    report: Report,
    keep: Keep,
    arrivals: Arrivals | None = None,
) -> Summary:
    """Do what a plan holds; the first Ctrl-C ends it after the files at work.

    Args:
        plan: the tasks.
        output: root of the photos.
        settings: of every worker; the engine chooses its device.
        engine: where.
        report: called whenever something begins or ends.
        keep: called with what became of each file.
        arrivals: more tasks, until Ctrl-C; None ends with the plan's.

    Raises:
        SettingsError: no such model, device or cluster, or several workers for arrivals.
    """
    summary = Summary()
    tally = Tally(summary, report, keep)
    if not plan.tasks and arrivals is None:
        tally.planned(plan)
        Claims(output, Ledger(output)).tidy()
        return summary
    from darkdiff_cli.batch.engines.devices import check_devices, parse_devices, run_on_devices  # these load torch
    from darkdiff_cli.batch.engines.local import run_here
    from darkdiff_cli.batch.engines.ray import run_on_ray

    devices = parse_devices(engine.devices)
    if arrivals is not None and (engine.name != "local" or len(devices) > 1):
        raise SettingsError("--watch works on one device of this machine; give --devices cuda:0, and no --engine ray.")
    tally.planned(plan)
    check_devices(devices)
    with StopRequest() as stop:
        summary.stop = stop
        if engine.name == "local" and len(devices) > 1:
            summary.stopped = run_on_devices(plan.tasks, output, settings, devices, tally, stop)
            return summary
        batch = BatchRun(plan.tasks, output, tally, _Watch(arrivals, tally) if arrivals is not None else None)
        if engine.name == "local":
            run_here(batch, settings, devices[0], stop)
        else:
            run_on_ray(batch, settings, engine.address, engine.workers, stop)
    summary.stopped = batch.stopped
    if arrivals is not None:
        tally.ended(arrivals.left)
    return summary


def check_start(plan: Plan, settings: WorkerSettings, engine: Engine) -> None:
    """Refuse what `run_batch` would refuse before its first photo; what a Ray cluster has is known there alone.

    Args:
        plan: the tasks; nothing is needed for none.
        settings: of every worker.
        engine: where.

    Raises:
        SettingsError: no such model or device, or a setting is out of range for the model.
    """
    if engine.name == "local" and plan.tasks:
        from darkdiff_cli.batch.engines.devices import check_devices, parse_devices
        from darkdiff_cli.enhancer import Enhancer

        devices = parse_devices(engine.devices)
        check_devices(devices)
        Enhancer(settings.model, devices[0], compile=settings.compile).check(settings.picture.sampling)


@dataclass(frozen=True)
class _Watch:
    """The tasks of a watch: what arrives, counted."""

    arrivals: Arrivals
    tally: Tally

    def more(self) -> list[Task]:
        new = self.arrivals.look()
        self.tally.planned(new)
        if not new.tasks:
            self.tally.waits(RAWS)
        return new.tasks

    def awaits(self, worker: str, finished: Finished) -> bool:
        if not self.arrivals.awaits(finished):
            return False
        self.tally.awaited(worker, finished)
        return True
