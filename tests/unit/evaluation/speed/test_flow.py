"""What photos in a batch waited for, counted by hand."""

import pytest

from darkdiff_cli.batch.steps import Times
from darkdiff_cli.evaluation.speed.flow import Flow


def times(decode: tuple[float, float], networks: tuple[float, float], write: tuple[float, float]) -> Times:
    return {"decode": decode, "networks": networks, "write": write}


def test_the_networks_wait_for_decoding_first_and_for_the_writer_then() -> None:
    photos = [
        times((0, 1), (1, 5), (5, 7)),
        times((1, 6), (6, 8), (8, 20)),  # decoded a second after the networks were free
        times((6, 7), (14, 18), (20, 21)),  # decoded long before; the networks began six seconds late
    ]
    flow = Flow.of(photos, [4.0, 2.0, 4.0], 1.5)
    assert (flow.photos, flow.seconds, flow.gigabytes) == (2, 14.0, 1.5)
    assert flow.photos_a_minute == pytest.approx(60 * 2 / 14)
    assert flow.share_busy == pytest.approx(6 / 14)
    assert flow.work == {"decode": 3.0, "networks": 3.0, "write": 6.5}
    assert flow.waits == {"networks": 3.5, "write": 1.0}
    assert flow.idle == {"decode": 0.5, "write": 3.0}


def test_a_device_is_never_busier_than_all_the_time() -> None:
    photos = [times((0, 1), (1, 5), (5, 7)), times((1, 2), (5, 10), (10, 11))]
    assert Flow.of(photos, [4.0, 5.0], 0.0).share_busy == 1.0
