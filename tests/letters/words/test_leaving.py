"""A letter written anew leaves as it was confirmed, whatever happens on its way."""

from datetime import timedelta

from sqlalchemy import update

from app.db import Database
from app.letters.words.edits import Edit
from app.models import Alert, AlertCountry, Letter, Notice, NoticeKind, Target
from app.outbox import claims, notices, operating, places, queue
from app.outbox.claims import Claim
from app.outbox.notices import NoticeClaim
from app.reporting import receipts
from app.settings import Settings
from app.wording import render
from app.wording.notices import write
from tests.grounds.alerts import confirmed, filled, submitted
from tests.grounds.rows import all_of

MINE = "Dear Prime Minister,\n\nplease come back: “näin”.\n\nMari Mägi"
LEASE = timedelta(minutes=5)


async def taken(database: Database, settings: Settings) -> Claim:
    async with database.transaction() as session:
        (one,) = await claims.claim(
            session, worker="w", delivery="sandbox", limit=5, lease=LEASE, settings=settings
        )
    return one


def leaves(one: Claim) -> str:
    text = render.confirmed(one.letter, one.submission, one.target, one.template, one.country)
    assert text.sha256 == one.letter.text_sha256
    return text.body


async def test_it_leaves_is_tried_again_and_shown_as_it_was_written(
    database: Database, settings: Settings, alert: Alert
) -> None:
    async with database.transaction() as session:
        await session.execute(update(Alert).values(editable=True))
    where = Target.country == "PL", Target.role == "prime_minister"
    (office,) = await all_of(database, Target, *where)
    form = filled(
        countries=["PL"],
        offices=[office.id],
        postal_address="Riia 2, Tartu",
        edits={office.id: Edit(subject="Please", body=MINE)},
    )
    kept = await submitted(database, settings, alert, form)
    await confirmed(database, settings, kept.public_id)
    async with database.transaction() as session:
        # what a government requires may change while letters wait
        await session.execute(update(AlertCountry).values(postal_address=""))
    first = await taken(database, settings)
    assert leaves(first) == MINE + "\n"
    which = [Letter.id == first.letter.id]
    async with database.transaction() as session:
        await queue.move(session, which, frm=queue.SENDING, to=queue.FAILED, by="w")
    async with database.transaction() as session:
        place = await places.find(session, "letter", str(first.letter.id), delivery="sandbox")
        assert (await operating.queue_again(session, place, by="anna@example.org")).n == 1
    assert leaves(await taken(database, settings)) == MINE + "\n"
    async with database.transaction() as session:
        await queue.move(session, which, frm=queue.SENDING, to=queue.HANDED_OVER, by="w")
        await notices.follow(session, [first.letter.id], mail_domain="x.example")
    async with database.transaction() as session:
        receipt = await receipts.of_letter(session, first.letter.id)
        assert receipt.text is not None
        assert receipt.text.body == MINE + "\n"
        await session.execute(update(Notice).values(not_before=kept.created_at))
        told = await notices.claim(session, worker="w", delivery="sandbox", limit=9, lease=LEASE)
        (copy,) = (one for one in told if one.notice.kind == NoticeKind.COPY)
        assert isinstance(copy, NoticeClaim)
        said = write(copy.notice, copy.submission, copy.letters, settings=settings)
    assert "please come back: “näin”." in said.body
