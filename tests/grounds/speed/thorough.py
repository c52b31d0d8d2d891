"""What `make test` leaves to `make check`: the same proof in one more place.

A test marked `thorough` proves again what a quicker one has shown: in another language, for more
rounds, for each page beside those of the walks. On PostgreSQL it is every test but those of what
the databases do differently, which are named here.
"""

import pytest

ON_POSTGRESQL = (  # who writes at once, what is locked, counted, migrated or lost
    "tests/outbox/pacing/test_again.py",
    "tests/outbox/pacing/test_turns.py",
    "tests/outbox/test_claims.py",
    "tests/outbox/test_rows.py",
    "tests/delivery/returns/test_late.py",
    "tests/delivery/test_settle.py",
    "tests/delivery/test_worker.py",
    "tests/hold/test_away.py",
    "tests/letters/test_confirmation.py",
    "tests/letters/test_submission.py",
    "tests/campaigns/test_nothing_lost.py",
    "tests/reporting/test_counts.py",
    "tests/reporting/test_recount.py",
    "tests/test_buckets.py",
    "tests/test_db.py",
    "tests/test_kill.py",
    "tests/test_migrations.py",
    "tests/test_walk.py",
)


def mark(items: list[pytest.Item]) -> None:
    """Mark those on PostgreSQL; all others say so themselves."""
    for item in items:
        if "postgresql" in item.name and not item.nodeid.startswith(ON_POSTGRESQL):
            item.add_marker(pytest.mark.thorough)
