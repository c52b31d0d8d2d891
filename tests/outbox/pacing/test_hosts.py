"""Which mail host a domain lies behind, however its MX records are shuffled."""

from sqlalchemy import select

from app.db import Database
from app.models import MailDomain, MailHost
from app.outbox.pacing import hosts


async def homes(database: Database) -> dict[str, str]:
    async with database.reading() as session:
        rows = await session.execute(
            select(MailDomain.name, MailHost.name).join(MailHost, MailHost.id == MailDomain.host_id)
        )
        return dict(rows.all())  # type: ignore[arg-type]


async def learn(database: Database, domain: str, *exchanges: str) -> None:
    async with database.transaction() as session:
        await hosts.know(session, [f"pm@{domain}"])
        await hosts.learn(session, domain, exchanges)


async def test_a_domain_with_two_equal_exchanges_stays_behind_one_host(database: Database) -> None:
    """DNS gives them in another order each day; a freeze on the host would last for a day."""
    await learn(database, "gov.example", "mx1.example", "mx2.example")
    await learn(database, "gov.example", "mx2.example", "mx1.example")
    assert await homes(database) == {"gov.example": "mx1.example"}


async def test_domains_with_the_same_exchanges_share_a_host(database: Database) -> None:
    await learn(database, "one.example", "mx1.example", "mx2.example")
    await learn(database, "two.example", "mx2.example", "mx1.example")
    assert set((await homes(database)).values()) == {"mx1.example"}


async def test_a_domain_that_moved_goes_to_its_new_host(database: Database) -> None:
    await learn(database, "gov.example", "old.example")
    await learn(database, "gov.example", "new.example", "backup.example")
    await learn(database, "other.example", "other.example", "backup.example")
    assert await homes(database) == {"gov.example": "new.example", "other.example": "other.example"}
