"""Who asked not to be written to is left alone, however the address is typed."""

import pytest

from app.db import Database
from app.outbox import suppressions


async def barred(database: Database, *emails: str, delivery: str = "live") -> set[str]:
    async with database.reading() as session:
        return set(await suppressions.among(session, set(emails), delivery))


async def suppressed(database: Database, email: str, delivery: str = "live") -> None:
    async with database.transaction() as session:
        await suppressions.suppress(session, email, why="asked", by="anna", delivery=delivery)


async def test_it_is_told_whether_an_address_is_new_on_the_list(database: Database) -> None:
    """The one without the tag bars no letter to the one with it, so that is not there yet."""
    for email, new in (("m.ari@gmail.com", True), ("M.ari@gmail.com", False)):
        async with database.transaction() as session:
            assert await suppressions.suppress(session, email, why="asked", by="anna") is new
    for email in ("pm@example.org", "pm+press@example.org"):
        async with database.transaction() as session:
            assert await suppressions.suppress(session, email, why="asked", by="anna")


@pytest.mark.parametrize(
    ("listed", "typed", "is_barred"),
    [
        ("sup@example.org", "Sup@Example.ORG", True),
        ("sup@example.org", "sup+1@example.org", True),
        ("sup+1@example.org", "sup+1@example.org", True),
        ("sup+1@example.org", "sup@example.org", False),
        ("s.up+1@gmail.com", "SUP@googlemail.com", True),
        ("sup@gmail.com", "s.u.p+2@gmail.com", True),
        ("s.up@example.org", "sup@example.org", False),
    ],
)
async def test_an_address_is_barred_with_its_tags_and_gmails_spellings(
    database: Database, listed: str, typed: str, is_barred: bool
) -> None:
    await suppressed(database, listed)
    assert await barred(database, typed, "other@example.org") == (
        {typed.casefold()} if is_barred else set()
    )


async def test_what_is_asked_for_in_practice_holds_in_practice_alone(database: Database) -> None:
    await suppressed(database, "mari@example.org", "sandbox")
    for practice in ("sandbox", "rehearsal"):
        assert await barred(database, "mari+1@example.org", delivery=practice)
    for earnest in ("live", "reflect", "trial"):
        assert not await barred(database, "mari@example.org", delivery=earnest)


async def test_what_is_lifted_is_lifted_for_all_spellings(database: Database) -> None:
    await suppressed(database, "m.ari@googlemail.com")
    await suppressed(database, "mari@gmail.com", "sandbox")
    async with database.transaction() as session:
        assert await suppressions.lift(session, "M.ari@googlemail.com")
        assert not await suppressions.lift(session, "m.ari@googlemail.com")
    for delivery in ("live", "sandbox"):
        assert not await barred(
            database, "mari@gmail.com", "m.ari@googlemail.com", delivery=delivery
        )
