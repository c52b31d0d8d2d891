"""What a supporter is told by mail, and how often: the copy once, a failure once per letter."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import event, select, update

from app import clock
from app.db import Database
from app.models import Event, LetterStatus, LetterTemplate, Notice, NoticeKind, Returned, Submission
from app.outbox import notices, queue, suppressions
from app.outbox.notices import NoticeClaim
from tests.grounds.letters import MAIL_DOMAIN, Ground, make_alert
from tests.grounds.rows import all_of
from tests.outbox.one_form import attempt, end, make_form

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
AN_HOUR = timedelta(hours=1)


@pytest_asyncio.fixture
async def made(database: Database) -> Ground:
    async with database.transaction() as session:
        return await make_alert(session, targets=3)


async def form(database: Database, made: Ground, **changes: object) -> tuple[Submission, list[int]]:
    async with database.transaction() as session:
        return await make_form(session, made, **changes)


async def ended(database: Database, to: LetterStatus, *letters: int) -> None:
    """Letters end so in one transaction, and what follows is put."""
    async with database.transaction() as session:
        for letter in letters:
            await end(session, letter, to)
        await notices.follow(session, letters, mail_domain=MAIL_DOMAIN)


async def claimed(database: Database, worker: str = "w") -> list[NoticeClaim]:
    """What is due when a copy has gathered what leaves with the first letter."""
    later = clock.now() + notices.GATHERING[NoticeKind.COPY]
    with clock.held(later):
        return await _claimed(database, worker)


async def _claimed(database: Database, worker: str) -> list[NoticeClaim]:
    async with database.transaction() as session:
        return await notices.claim(
            session, worker=worker, delivery="sandbox", limit=50, lease=AN_HOUR
        )


async def settled(database: Database, one: NoticeClaim, to: LetterStatus, worker: str) -> None:
    async with database.transaction() as session:
        assert await notices.settle(session, one.notice, worker=worker, to=to)


async def kinds(database: Database) -> list[tuple[str, str]]:
    return [(one.kind, one.status) for one in await all_of(database, Notice)]


def told(claims: list[NoticeClaim]) -> list[tuple[str, list[int]]]:
    return [(one.notice.kind, [e.letter.id for e in one.letters]) for one in claims]


async def test_the_copy_is_put_once_when_the_first_letter_left_and_tells_of_all(
    database: Database, made: Ground
) -> None:
    with clock.held(NOON):
        submission, (first, second, third) = await form(database, made, delivery="sandbox")
        assert await kinds(database) == []
        await ended(database, queue.HANDED_OVER, first)
        await ended(database, queue.ACCEPTED, second)
        (notice,) = await all_of(database, Notice)
        assert (notice.kind, notice.delivery) == ("copy", "sandbox")
        assert NOON < notice.not_before < NOON + AN_HOUR / 60
        assert await _claimed(database, "w") == []
        assert notice.person_key == submission.person_key
        (claim,) = await claimed(database)
    assert [(one.letter.id, one.letter.status) for one in claim.letters] == [
        (first, "handed_over"),
        (second, "accepted"),
        (third, "queued"),
    ]
    assert claim.submission.alert.title == "Keep the treaty"
    await settled(database, claim, queue.HANDED_OVER, "w")
    await ended(database, queue.HANDED_OVER, third)
    assert await kinds(database) == [("copy", "handed_over")]


async def test_a_withdrawn_letter_is_not_copied(database: Database, made: Ground) -> None:
    _, (first, second, third) = await form(database, made)
    await ended(database, queue.CANCELLED, second)
    assert await kinds(database) == []
    await ended(database, queue.HANDED_OVER, first)
    assert told(await claimed(database)) == [("copy", [first, third])]


async def test_letters_that_fail_within_an_hour_share_one_mail(
    database: Database, made: Ground
) -> None:
    with clock.held(NOON) as held:
        _, letters = await form(database, made)
        await ended(database, queue.REJECTED, letters[0])
        held.advance(AN_HOUR / 2)
        await ended(database, queue.EXPIRED, letters[1])
        assert await kinds(database) == [("failed", "queued")]
        assert await claimed(database) == []
        held.advance(AN_HOUR / 2)
        (claim,) = await claimed(database)
        assert told([claim]) == [("failed", letters[:2])]
        await settled(database, claim, queue.HANDED_OVER, "w")
        await ended(database, queue.BOUNCED, letters[2])
        held.advance(AN_HOUR)
        assert told(await claimed(database)) == [("failed", letters[2:])]


async def test_a_failure_while_the_mail_is_on_its_way_gets_a_mail_of_its_own(
    database: Database, made: Ground
) -> None:
    """And the first, when it has to be sent again, tells of the same letter as before."""
    with clock.held(NOON) as held:
        _, letters = await form(database, made)
        await ended(database, queue.REJECTED, letters[0])
        held.advance(AN_HOUR)
        (first,) = await claimed(database)
        await ended(database, queue.REJECTED, letters[1])
        await settled(database, first, queue.QUEUED, "w")
        await ended(database, queue.REJECTED, letters[2])
        held.advance(AN_HOUR)
        assert told(await claimed(database)) == [
            ("failed", letters[:1]),
            ("failed", letters[1:]),
        ]


async def test_a_mail_that_was_given_back_gathers_again(database: Database, made: Ground) -> None:
    with clock.held(NOON) as held:
        _, letters = await form(database, made)
        await ended(database, queue.REJECTED, letters[0])
        held.advance(AN_HOUR)
        (claim,) = await claimed(database)
        async with database.transaction() as session:
            await notices.give_back(session, "w", [claim.notice.id])
        await ended(database, queue.REJECTED, letters[1])
        assert told(await claimed(database)) == [("failed", letters[:2])]


async def test_a_notice_that_loses_its_workers_goes_an_hour_ahead_then_waits_for_a_person(
    database: Database, made: Ground
) -> None:
    with clock.held(NOON) as held:
        submission, _ = await form(database, made)
        async with database.transaction() as session:
            await notices.put(session, submission, NoticeKind.CONFIRM, mail_domain=MAIL_DOMAIN)
        found = []
        for _ in range(3):
            assert len(await _claimed(database, "w")) == 1
            held.advance(2 * AN_HOUR)
            async with database.transaction() as session:
                assert await notices.recover(session) == 1
            (notice,) = await all_of(database, Notice)
            found.append((notice.status, notice.not_before > held.at))
            held.advance(AN_HOUR)
            assert notice.not_before <= held.at
    assert [status for status, _ in found] == ["queued", "queued", "failed"]
    assert [ahead for _, ahead in found[:2]] == [False, True]


async def test_two_mails_about_one_letter_end_as_one(database: Database, made: Ground) -> None:
    """Two workers may have settled two of its letters at the same moment, each with a notice."""
    with clock.held(NOON) as held:
        submission, letters = await form(database, made)
        await ended(database, queue.REJECTED, *letters[:2])
        async with database.transaction() as session:
            (notice,) = await session.scalars(select(Notice))
            session.add(
                Notice(
                    submission_id=submission.id,
                    person_key=notice.person_key,
                    kind=NoticeKind.FAILED,
                    status="queued",
                    status_at=NOON,
                    created_at=NOON,
                    not_before=notice.not_before,
                    delivery="sandbox",
                    message_id="<n.twin@letters.example.org>",
                )
            )
        held.advance(AN_HOUR)
        takes = await asyncio.gather(claimed(database, "w1"), claimed(database, "w2"))
    assert told([claim for take in takes for claim in take]) == [("failed", letters[:2])]
    assert sorted(await kinds(database)) == [("failed", "cancelled"), ("failed", "sending")]


async def test_our_own_fault_is_told_to_nobody_yet(database: Database, made: Ground) -> None:
    _, letters = await form(database, made)
    await ended(database, queue.FAILED, *letters)
    await ended(database, queue.QUEUED)
    assert await kinds(database) == []


async def test_an_erased_form_is_told_nothing(database: Database, made: Ground) -> None:
    submission, letters = await form(database, made)
    another, others = await form(database, made)
    await ended(database, queue.HANDED_OVER, others[0])
    async with database.transaction() as session:
        await session.execute(update(Submission).values(erased_at=clock.now()))
    await ended(database, queue.HANDED_OVER, letters[0])
    await ended(database, queue.REJECTED, letters[1])
    assert await kinds(database) == [("copy", "queued")]
    assert await claimed(database) == []
    assert await kinds(database) == [("copy", "cancelled")]


async def test_a_forgotten_person_and_a_barred_address_get_neither(
    database: Database, made: Ground
) -> None:
    with clock.held(NOON) as held:
        gone, letters = await form(database, made)
        barred, others = await form(database, made)
        for one in (letters, others):
            await ended(database, queue.HANDED_OVER, one[0])
            await ended(database, queue.REJECTED, one[1])
        async with database.transaction() as session:
            await notices.drop_for(session, gone.person_key)
            await suppressions.suppress(session, barred.email, why="asked", by="anna")
        held.advance(AN_HOUR)
        assert await claimed(database) == []
    assert sorted(await kinds(database)) == [
        ("copy", "cancelled"),
        ("copy", "suppressed"),
        ("failed", "cancelled"),
        ("failed", "suppressed"),
    ]
    assert await all_of(database, Event, Event.what == "told") == []


async def test_neither_is_counted_among_three_a_day_nor_stopped_by_them(
    database: Database, made: Ground
) -> None:
    submission, letters = await form(database, made)
    await ended(database, queue.HANDED_OVER, letters[0])
    await ended(database, queue.REJECTED, letters[1])
    async with database.transaction() as session:
        puts = [
            await notices.put(session, submission, NoticeKind.CONFIRM, mail_domain=MAIL_DOMAIN)
            for _ in range(4)
        ]
        other = await make_alert(session, slug="another", targets=1)
        _, (letter,) = await make_form(session, other, person_key=submission.person_key)
    assert puts == [True, True, True, False]
    await ended(database, queue.HANDED_OVER, letter)
    assert [kind for kind, _ in await kinds(database)] == [
        "copy",
        "failed",
        *["confirm"] * 3,
        "copy",
    ]


async def test_the_servers_last_words_and_the_offices_address_go_with_a_failure(
    database: Database, made: Ground
) -> None:
    with clock.held(NOON) as held:
        _, (refused, returned, doubtful) = await form(database, made)
        async with database.transaction() as session:
            await attempt(session, refused, "rejected", code=550, reply="5.1.1 no such mailbox")
            await attempt(session, returned, "taken")
            await attempt(session, doubtful, "deferred", code=None, reply="", began_data=True)
            await attempt(session, doubtful, "deferred", code=451, reply="4.7.1 later", number=2)
            for kind, action, words in (
                ("bounce", "failed", "550 5.2.1 closed"),
                ("automatic", "", "I am on holiday"),
            ):
                session.add(
                    Returned(
                        received_at=NOON,
                        kind=kind,
                        letter_id=returned,
                        action=action,
                        reply=words,
                    )
                )
        await ended(database, queue.REJECTED, refused)
        await ended(database, queue.BOUNCED, returned)
        await ended(database, queue.EXPIRED, doubtful)
        held.advance(AN_HOUR)
        (claim,) = await claimed(database)
    assert [(one.said, one.in_doubt, one.address) for one in claim.letters] == [
        ("550 5.1.1 no such mailbox", False, "keep-the-treaty-0@example.org"),
        ("550 5.2.1 closed", False, "keep-the-treaty-1@example.org"),
        ("451 4.7.1 later", True, "keep-the-treaty-2@example.org"),
    ]


@pytest.mark.parametrize("n", [1, 12])
async def test_three_statements_for_news_and_one_when_there_is_none(
    database: Database, made: Ground, n: int
) -> None:
    forms = [await form(database, made) for _ in range(n)]
    first = [letters[0] for _, letters in forms]
    second = [letters[1] for _, letters in forms]
    async with database.transaction() as session:
        for left, refused in zip(first, second, strict=True):
            await end(session, left, queue.HANDED_OVER)
            await end(session, refused, queue.REJECTED)
        said: list[str] = []

        def listen(connection: object, cursor: object, statement: str, *rest: object) -> None:
            said.append(statement.split()[0])

        event.listen(database.engine.sync_engine, "before_cursor_execute", listen)
        await notices.follow(session, [*first, *second], mail_domain=MAIL_DOMAIN)
        assert said == ["SELECT", "UPDATE", "INSERT"]
        said.clear()
        await notices.follow(session, first, mail_domain=MAIL_DOMAIN)
        event.remove(database.engine.sync_engine, "before_cursor_execute", listen)
    assert said == ["SELECT"]
    assert len(await all_of(database, Notice)) == 2 * n


async def test_workers_that_settle_one_form_at_once_put_one_copy(
    database: Database, made: Ground
) -> None:
    forms = [await form(database, made) for _ in range(4)]

    async def settle(nth: int) -> None:
        await ended(database, queue.HANDED_OVER, *(letters[nth] for _, letters in forms))

    await asyncio.gather(settle(0), settle(1), settle(2))
    assert await kinds(database) == [("copy", "queued")] * 4


async def test_a_template_that_broke_leaves_the_copy_claimable(
    database: Database, made: Ground
) -> None:
    _, letters = await form(database, made)
    await ended(database, queue.HANDED_OVER, letters[0])
    async with database.transaction() as session:
        await session.execute(update(LetterTemplate).values(source="{{ broken"))
    assert told(await claimed(database)) == [("copy", letters)]
