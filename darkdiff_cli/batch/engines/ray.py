"""A batch on a Ray cluster: the same worker in an actor for each GPU; Ray starts lost ones again."""

import os
import sys
import threading
from contextlib import redirect_stdout
from typing import Any

from darkdiff_cli.batch.claims import Task
from darkdiff_cli.batch.engines.local import Stop
from darkdiff_cli.batch.ledger import Entry
from darkdiff_cli.batch.run import INTERRUPTED, BatchRun
from darkdiff_cli.batch.settings import WorkerSettings
from darkdiff_cli.batch.steps import Finished
from darkdiff_cli.batch.worker import Worker
from darkdiff_cli.errors import DarkdiffError, SettingsError
from darkdiff_models.connections import OFFLINE, is_offline

IN_FLIGHT = 2  # files at a worker: one in the networks, one being decoded or written
RETRIES = 3  # of a file whose worker was lost
POLL = 0.5  # seconds


def run_on_ray(batch: BatchRun, settings: WorkerSettings, address: str | None, workers: int | None, stop: Stop) -> None:
    """Work through a batch on a cluster, and close it.

    Claims and ledger stay with this process, so a file is done once however often its worker is lost. Inputs and
    outputs must lie at the same path on every machine. After a request to stop, the files being processed are finished.

    Args:
        batch: the run.
        settings: of every worker.
        address: of the cluster, as `ray.init` takes it; None starts one on this machine.
        workers: how many; None for one per GPU, or one per machine where the cluster has no GPU.
        stop: looked at all the time.

    Raises:
        SettingsError: Ray is not installed or cannot be reached, or a worker cannot load the model.
    """
    with redirect_stdout(sys.stderr):  # Ray talks to stdout, which is for results
        ray = _connect(address)
        try:
            _drive(ray, batch, _crew(ray, settings, workers), stop)
        finally:
            batch.close()
            ray.shutdown()


def _drive(ray: Any, batch: BatchRun, crew: dict[str, Any], stop: Stop) -> None:
    """Keep every worker supplied until there are no more tasks."""
    running: dict[Any, tuple[Task, str]] = {}
    load = dict.fromkeys(crew, 0)
    while True:
        if stop.requested:
            batch.stop(INTERRUPTED)
        for name in sorted(load, key=lambda name: load[name]):
            while load[name] < IN_FLIGHT and (task := batch.next_task()) is not None:
                batch.begin(name, task)
                running[crew[name].process.remote(task)] = task, name
                load[name] += 1
        if not running:
            if batch.wait(stop):
                continue
            if stop.requested:
                batch.stop(INTERRUPTED)
            return
        for finished in ray.wait(list(running), timeout=POLL)[0]:
            task, name = running.pop(finished)
            load[name] -= 1
            batch.finish(name, _result(ray, finished, task))


class RayWorker:
    """A worker inside an actor whose methods run in several threads: decoding and writing overlap with the networks."""

    def __init__(self, settings: WorkerSettings) -> None:
        self.error: DarkdiffError | None = None
        self.decoding, self.networks = threading.Lock(), threading.Lock()
        try:
            self.worker = Worker(settings)
        except DarkdiffError as error:
            self.error = error

    def ready(self) -> DarkdiffError | None:
        """Why the worker cannot work, or None."""
        return self.error

    def process(self, task: Task) -> Finished:
        """From raw file to photo."""
        try:
            with self.decoding:
                decoded = self.worker.decode(task)
            with self.networks:
                made = self.worker.run_networks(decoded)
        except DarkdiffError as error:
            return self.worker.write(task, error)
        return self.worker.write(task, made)


def _connect(address: str | None) -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # send no usage statistics
    try:
        import ray
    except ImportError as error:
        raise SettingsError("--engine ray: needs Ray; pip install 'darkdiff[ray]'.") from error
    try:
        ray.init(
            address=address or "local",
            log_to_driver=False,
            include_dashboard=False if address is None else None,
            runtime_env={"env_vars": {OFFLINE: "1"}} if is_offline() else None,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise SettingsError(f"--address {address}: no Ray cluster answers there ({error}).") from error
    return ray


def _crew(ray: Any, settings: WorkerSettings, workers: int | None) -> dict[str, Any]:
    """The actors by name, every one with its model loaded."""
    have = ray.cluster_resources()
    gpus, cpus = int(have.get("GPU", 0)), int(have.get("CPU", 1))
    count = workers or gpus or sum(node["Alive"] for node in ray.nodes())
    check_workers(count, cpus, gpus)
    share = {"num_gpus": gpus / count} if gpus else {"num_cpus": max(1, cpus // count)}
    actor = ray.remote(RayWorker).options(
        max_concurrency=IN_FLIGHT + 1, max_restarts=-1, max_task_retries=RETRIES, **share
    )
    crew = {f"worker {number + 1}": actor.remote(settings) for number in range(count)}
    for error in ray.get([worker.ready.remote() for worker in crew.values()]):
        if error is not None:
            raise error
    return crew


def check_workers(count: int, cpus: int, gpus: int) -> None:
    """Check that a cluster has room for so many workers: Ray would wait for more processors without a word.

    Raises:
        SettingsError: it has not.
    """
    most = max(cpus, gpus)
    if count > most:
        raise SettingsError(
            f"--workers {count}: the cluster has {cpus} CPU cores and {gpus} GPUs; give at most {most}."
        )


def _result(ray: Any, reference: Any, task: Task) -> Finished:
    try:
        finished: Finished = ray.get(reference)
    except ray.exceptions.RayError as error:
        words = f"{task.job.source}: lost its worker {RETRIES + 1} times ({type(error).__name__}); try it alone."
        return Finished(task, Entry(task.key, task.job.relative, task.job.photo, "failed", words))
    return finished
