"""A small name system of the test's own."""

from collections.abc import Iterator

import pytest

from tests.grounds import dns


@pytest.fixture
def names() -> Iterator[dns.DnsServer]:
    with dns.running() as server:
        yield server
