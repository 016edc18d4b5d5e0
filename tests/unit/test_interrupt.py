"""Requests to stop, by signals."""

import signal

import pytest

from darkdiff_cli.interrupt import StopRequest


def test_a_second_ctrl_c_stops_at_once_and_a_second_sigterm_does_not() -> None:
    with StopRequest() as stop:
        assert not stop.requested
        for _ in range(2):  # from a scheduler, and handed on by torchrun
            signal.raise_signal(signal.SIGTERM)
            assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
