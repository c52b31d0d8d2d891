"""The one place that reads the time; everything else asks here, so that time can be held."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta


class HeldClock:
    """A clock that moves only when it is told to: for tests and for made-up history."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def advance(self, by: timedelta) -> None:
        self.at += by


_held: ContextVar[HeldClock | None] = ContextVar("held_clock", default=None)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    clock = _held.get()
    return clock.at if clock else datetime.now(UTC)


@contextmanager
def held(at: datetime) -> Iterator[HeldClock]:
    """Hold the time at `at` for this task and the tasks it starts."""
    clock = HeldClock(at)
    token = _held.set(clock)
    try:
        yield clock
    finally:
        _held.reset(token)
