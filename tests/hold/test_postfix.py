"""A real Postfix as our relay: what it reports back turns into the truth about each letter."""

from collections.abc import Iterator

import pytest

from app.db import Database
from app.delivery.returns import listening
from app.models import Attempt, Contact, Event, Freeze, Letter, Returned
from app.outbox.pacing import hosts
from app.settings import Settings
from tests.grounds.letters import make_alert, make_queued_letters
from tests.grounds.rows import all_of, counted, statuses
from tests.grounds.working import until, working
from tests.hold.postfix import KNOWN, NAME, NoPostfix, Postfix, running

pytestmark = pytest.mark.xdist_group("postfix")
UNKNOWN = "keep-the-treaty-1@example.org"


@pytest.fixture(scope="module")
def postfix() -> Iterator[Postfix]:
    try:
        with running() as found:
            yield found
    except NoPostfix as reason:
        pytest.skip(str(reason))


@pytest.fixture
def through_postfix(live: Settings, postfix: Postfix) -> Settings:
    relay = f"smtp://127.0.0.1:{postfix.port}?tls=none"
    returns = f"127.0.0.1:{postfix.returns}"
    return live.model_copy(update={"smtp_url": relay, "returns_lmtp": returns})


async def two_letters(database: Database, *exchanges: str) -> list[Letter]:
    """One to an address that has a mailbox, one to an address that has none."""
    async with database.transaction() as session:
        made = await make_alert(session, targets=2)
        await hosts.know(session, [KNOWN, UNKNOWN])
        await hosts.learn(session, "example.org", exchanges)
        return await make_queued_letters(session, 2, ground=made, delivery="live")


async def sent_through(
    postfix: Postfix, settings: Settings, database: Database, **expected: int
) -> None:
    """Until each letter stands as expected, and something came back about each."""

    async def settled() -> bool:
        postfix.hurry()  # a report that was quicker than our own settling was told to come again
        reports = await all_of(database, Returned, Returned.letter_id.is_not(None))
        told = {one.letter_id for one in reports}
        return await statuses(database) == expected and len(told) == 2

    async with await listening.listen(settings, database), working(settings, database):
        await until(settled)


async def test_its_success_report_makes_a_letter_accepted_and_its_bounce_another_bounced(
    database: Database, through_postfix: Settings, postfix: Postfix
) -> None:
    arriving, lost = await two_letters(database, NAME)
    await sent_through(postfix, through_postfix, database, accepted=1, bounced=1)

    assert arriving.message_id in postfix.mailbox
    assert lost.message_id not in postfix.mailbox
    by_id = {one.id: one.status for one in await all_of(database, Letter)}
    assert by_id == {arriving.id: "accepted", lost.id: "bounced"}
    assert await counted(database) == {"accepted": 1, "bounced": 1}
    about_letters = Returned.letter_id.is_not(None)
    returned = {one.letter_id: one for one in await all_of(database, Returned, about_letters)}
    assert (returned[arriving.id].action, returned[arriving.id].reporting_mta) == (
        "delivered",
        NAME,
    )
    assert (returned[lost.id].action, returned[lost.id].enhanced) == ("failed", "5.1.1")
    assert all(one.settled_at and one.raw is None for one in returned.values())
    for attempt in await all_of(database, Attempt, Attempt.letter_id.is_not(None)):
        assert attempt.queue_id in postfix.log, "as the server calls it"


async def test_nobody_writes_again_to_whom_it_does_not_know_until_a_person_has_looked(
    database: Database, through_postfix: Settings, postfix: Postfix
) -> None:
    await two_letters(database, NAME)
    await sent_through(postfix, through_postfix, database, accepted=1, bounced=1)
    (marked,) = await all_of(database, Contact, Contact.review_at.is_not(None))
    assert marked.email == UNKNOWN
    assert "unknown user" in marked.review_why
    (hold,) = await all_of(database, Freeze)
    assert (hold.scope, hold.ref) == ("contact", marked.id)


async def test_a_report_of_a_server_that_no_mx_names_leaves_a_letter_handed_over(
    database: Database, through_postfix: Settings, postfix: Postfix
) -> None:
    arriving, _ = await two_letters(database, "mx.elsewhere.example")
    await sent_through(postfix, through_postfix, database, handed_over=1, bounced=1)
    events = await all_of(database, Event, Event.letter_id == arriving.id)
    assert [event.what for event in events][-2:] == ["handed_over", "report"]
    assert events[-1].note.startswith(f"taken by {NAME}")
