"""What commands in the tests of trainings share."""

from collections.abc import Iterator

import pytest

from tests.decoders import kept_decoders


@pytest.fixture(autouse=True)
def _kept_decoders() -> Iterator[None]:
    with kept_decoders():
        yield
