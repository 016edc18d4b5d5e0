"""A batch on a Ray cluster: what a cluster has no room for."""

import pytest

from darkdiff_cli.batch.engines.ray import check_workers
from darkdiff_cli.errors import SettingsError


def test_more_workers_than_processors_would_wait_for_ever() -> None:
    check_workers(16, cpus=16, gpus=2)
    check_workers(8, cpus=4, gpus=8)
    with pytest.raises(SettingsError) as refused:
        check_workers(3, cpus=2, gpus=0)
    assert str(refused.value) == "--workers 3: the cluster has 2 CPU cores and 0 GPUs; give at most 2."
