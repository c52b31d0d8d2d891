"""The desk: each alert in one line that is true, and what waits for a person."""

from datetime import UTC, datetime, timedelta

from app import clock
from app.db import Database
from app.models import AlertState, Approval, Organiser, Role, StageMove
from app.outbox import freezes, queue
from app.reporting.desk import attention, lines
from tests.grounds.databases import once
from tests.reporting.rows import Grounds, an_alert, write

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _organiser(grounds: Grounds, email: str = "mari@example.org") -> Organiser:
    return Organiser(
        organisation_id=grounds.campaign.organisation_id,
        email=email,
        name="Mari",
        password_hash="",
        role=Role.ORGANISER,
        created_at=MONDAY,
        disabled_at=None,
    )


async def test_a_line_says_what_an_alert_has_come_to(database: Database) -> None:
    with clock.held(MONDAY) as held:
        async with database.transaction() as session:
            grounds = await an_alert(session)
            await write(session, grounds, "one", queue.HANDED_OVER, queue.QUEUED)
        held.at += timedelta(days=1)
        async with database.transaction() as session:
            await write(session, grounds, "two", queue.FAILED, queue.ACCEPTED)
        async with database.reading() as session:
            ours = grounds.campaign.organisation_id
            [line] = await lines.of_organisation(session, ours, "sandbox")
    assert (line.supporters, line.sent, line.waiting, line.failed) == (2, 2, 1, 1)
    assert [day.confirmed for day in line.days[-3:]] == [0, 2, 2]
    assert line.confirmed_today == 2
    assert line.left_today == 1
    assert max(day.height for day in line.days) == lines.HIGH


async def test_other_organisations_and_other_deliveries_are_not_counted(
    database: Database,
) -> None:
    async with database.transaction() as session:
        ours = await an_alert(session, "ours")
        theirs = await an_alert(session, "theirs")
        await write(session, theirs, "one", queue.HANDED_OVER)
        await write(session, ours, "one", queue.HANDED_OVER)
    async with database.reading() as session:
        organisation = ours.campaign.organisation_id
        live = await lines.of_organisation(session, organisation, "live")
        assert [(line.alert.slug, line.sent) for line in live] == [("ours", 0)]
        sandbox = await lines.of_organisation(session, organisation, "sandbox")
        assert [(line.alert.slug, line.sent) for line in sandbox] == [("ours", 1)]


@once
async def test_the_line_of_a_rehearsal_counts_rehearsals(database: Database) -> None:
    async with database.transaction() as session:
        grounds = await an_alert(session)
        grounds.alert.state = AlertState.REHEARSAL
        await write(session, grounds, "one", queue.HANDED_OVER)
        ours = grounds.campaign.organisation_id
    async with database.reading() as session:
        [line] = await lines.of_organisation(session, ours, "sandbox")
    assert line.sent == 0


async def test_a_desk_with_nothing_to_do_says_so(database: Database) -> None:
    async with database.transaction() as session:
        grounds = await an_alert(session)
        grounds.alert.state = AlertState.DRAFT
        assert not await attention.of_organiser(session, _organiser(grounds))


async def test_a_decision_about_a_stage_waits_with_its_letters(database: Database) -> None:
    async with database.transaction() as session:
        grounds = await an_alert(session)
        letter = await write(session, grounds, "one", queue.QUEUED)
        move = StageMove(
            campaign_id=grounds.campaign.id,
            country="EE",
            from_stage="announced",
            to_stage="voted",
            at=MONDAY,
            by="the clock",
            decided_at=None,
        )
        session.add(move)
        await session.flush()
        await freezes.freeze(session, scope="letter", ref=1, why="moved", by="the clock")
        hold = await freezes.standing(session, "letter", 1)
        assert hold
        hold.stage_move_id = move.id
        await session.flush()
        found = await attention.of_organiser(session, _organiser(grounds))
        assert [(one.move.country, one.letters) for one in found.moves] == [("EE", 1)]
        other = await an_alert(session, "other")
        assert not (await attention.of_organiser(session, _organiser(other))).moves
        assert letter is not None


async def test_an_approval_waits_for_a_second_organiser_and_not_for_the_first(
    database: Database,
) -> None:
    async with database.transaction() as session:
        grounds = await an_alert(session)
        asked = Approval(
            alert_id=grounds.alert.id,
            seal="s",
            points=["contacts"],
            reason="",
            asked_by="mari@example.org",
            asked_at=MONDAY,
        )
        session.add(asked)
        await session.flush()
        mari, jonas = _organiser(grounds), _organiser(grounds, "jonas@example.org")
        assert (await attention.of_organiser(session, mari)).approvals == []
        [(approval, alert)] = (await attention.of_organiser(session, jonas)).approvals
        assert (approval.id, alert.slug) == (asked.id, "stop")


async def test_an_alert_that_closes_this_week_is_on_the_desk(database: Database) -> None:
    with clock.held(MONDAY):
        async with database.transaction() as session:
            soon = await an_alert(session, "soon")
            soon.alert.closes_at = MONDAY + timedelta(days=3)
            soon.alert.state = AlertState.PUBLISHED
            await session.flush()
            found = await attention.of_organiser(session, _organiser(soon))
            assert [alert.slug for alert in found.closing] == ["soon"]
            soon.alert.closes_at = MONDAY + timedelta(days=30)
            await session.flush()
            assert not (await attention.of_organiser(session, _organiser(soon))).closing
