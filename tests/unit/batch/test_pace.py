"""Rates and times left, on a clock of our own."""

import pytest

from darkdiff_cli.batch.pace import Pace


class Night:
    """A pace and its clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pace = Pace(lambda: self.now)

    def at(self, now: float, worker: str, file: str, event: str) -> None:
        self.now = now
        if event == "began":
            self.pace.began(worker, file)
        else:
            self.pace.finished(worker, file, event == "made")


def test_there_is_no_rate_before_two_photos() -> None:
    night = Night()
    assert night.pace.seconds_left(10) is None
    night.at(100, "cpu", "a", "began")  # loading the model took 100 s
    night.at(110, "cpu", "a", "made")
    assert (night.pace.rate, night.pace.seconds_left(10)) == (None, None)
    night.at(110, "cpu", "b", "began")
    night.at(130, "cpu", "b", "made")
    assert night.pace.rate == pytest.approx(2 / 30)
    assert night.pace.seconds_left(10) == pytest.approx(150)
    night.now = 140
    assert night.pace.seconds_left(10) == pytest.approx(140)  # it runs on
    night.now = 500
    assert night.pace.seconds_left(10) == pytest.approx(135)  # but for one photo's time at most


def test_failures_and_waiting_do_not_count() -> None:
    night = Night()
    for start, file in ((0, "a"), (1000, "b")):  # a watch waits 990 s between the two
        night.at(start, "cpu", file, "began")
        night.at(start + 10, "cpu", file, "made")
    for start in range(2000, 2050):
        night.at(start, "cpu", f"broken {start}", "began")
        night.at(start + 0.5, "cpu", f"broken {start}", "failed")
    night.at(3000, "cpu", "hangs", "began")
    night.at(3120, "cpu", "hangs", "failed")
    assert night.pace.rate == pytest.approx(1 / 10)
    only_failures = Night()
    for number in range(5):
        only_failures.at(number, "cpu", str(number), "began")
        only_failures.at(number + 0.1, "cpu", str(number), "failed")
    assert only_failures.pace.rate is None


def test_writing_beside_the_next_photo_is_not_counted_twice() -> None:
    night = Night()
    night.at(0, "cpu", "a", "began")
    night.at(8, "cpu", "b", "began")  # a is being written
    night.at(10, "cpu", "a", "made")
    night.at(18, "cpu", "c", "began")
    night.at(20, "cpu", "b", "made")
    assert night.pace.rate == pytest.approx(1 / 10)


def test_the_rate_is_of_all_workers_and_waits_for_as_many_photos() -> None:
    night = Night()
    for worker in ("cuda:0", "cuda:1", "cuda:2"):
        night.at(0, worker, worker, "began")
    night.at(10, "cuda:0", "cuda:0", "made")
    night.at(10, "cuda:1", "cuda:1", "made")
    assert night.pace.rate is None
    night.at(20, "cuda:2", "cuda:2", "made")
    assert night.pace.rate == pytest.approx(1 / 10 + 1 / 10 + 1 / 20)
    assert night.pace.seconds_left(25) == pytest.approx(100)
