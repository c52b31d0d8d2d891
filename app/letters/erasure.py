"""Personal data goes when it is asked for, and on schedule; counts stay."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    cast,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.letters.people import person_keys, stopped_key
from app.models import (
    GUESSED_LETTER,
    GUESSED_NOTICE,
    Attempt,
    Event,
    Letter,
    LetterPrint,
    LetterStatus,
    Notice,
    Participation,
    Returned,
    SandboxMessage,
    Submission,
)
from app.outbox import notices, queue
from app.settings import TO_THE_WRITER, TRIED_OUT, Settings

Personal = Submission | Letter | Notice | Participation

# `failed` is not among them: nobody may have looked, but ninety days are enough
UNSETTLED = (LetterStatus.HELD, LetterStatus.QUEUED, LetterStatus.SENDING)
FORGOTTEN = "forgotten"  # by whom a return was settled that nobody may read any more
AT_ONCE = 500  # forms; a stranger can have left any number
NOT_THEIRS = "whoever has this address did not write it"
NOTHING = {
    "name": "",
    "email": "",
    "city": "",
    "country": "",
    "postal_address": "",
    "own_words": "",
    "subject": "",
    "edits": {},
    "source": {},
}


async def erase(session: AsyncSession, email: str, settings: Settings) -> int:
    """Forget a person: calls back what has not left, empties their forms; gives how many forms.

    A letter that is leaving at this moment keeps its words until the next call.
    """
    return sum([await _erase(session, key) for key in await keys(session, email, settings)])


async def erase_under(session: AsyncSession, key: str, delivery: str) -> int:
    """The same for what one person has here under one delivery, and nothing else."""
    return await _erase(session, key, delivery)


async def erase_unconfirmed(
    session: AsyncSession, key: str, settings: Settings, delivery: str = ""
) -> None:
    """Empty the forms in which somebody else has typed this person's address; what they confirmed
    stays. Each then has its `stopped_key`."""
    waiting = (
        select(Submission.id, Submission.public_id)
        .where(*_theirs(Submission, key, delivery), Submission.confirmed_at.is_(None))
        .where(Submission.erased_at.is_(None))
        .limit(AT_ONCE)
        .with_for_update()  # one that is confirmed at this moment is not among them
    )
    while found := (await session.execute(waiting)).all():
        ids = [one.id for one in found]
        theirs = [Letter.submission_id.in_(ids)]
        await queue.move(
            session,
            theirs,
            frm=LetterStatus.HELD,
            to=LetterStatus.CANCELLED,
            by="supporter",
            note=NOT_THEIRS,
        )
        await _empty(session, ids)
        told = select(Notice.message_id).where(Notice.submission_id.in_(ids))
        await session.execute(delete(SandboxMessage).where(SandboxMessage.message_id.in_(told)))
        fresh = secrets.token_hex(32)
        for table in (Letter, Notice):
            of_forms = update(table).where(table.submission_id.in_(ids))
            await session.execute(of_forms.values(person_key=fresh))
        stopped = [
            {"id": one.id, "person_key": stopped_key(settings, one.public_id)} for one in found
        ]
        await session.execute(update(Submission), stopped)


async def keys(session: AsyncSession, email: str, settings: Settings) -> list[str]:
    """By which all that a person has here is found."""
    return [*person_keys(settings, email), *await _keys_of_tries(session, email)]


async def _keys_of_tries(session: AsyncSession, email: str) -> Sequence[str]:
    """Whoever tries an alert out is somebody else each time: found by the address alone."""
    found = select(Submission.person_key).where(
        Submission.delivery.in_(TRIED_OUT),
        func.lower(Submission.email) == email.strip().lower(),
        Submission.erased_at.is_(None),
    )
    return (await session.scalars(found)).all()


async def _erase(session: AsyncSession, key: str, delivery: str = "") -> int:
    """`delivery`: only what is under it; empty: all."""
    await notices.drop_for(session, key, delivery)
    for status in (LetterStatus.HELD, LetterStatus.QUEUED):
        await queue.move(
            session,
            _theirs(Letter, key, delivery),
            frm=status,
            to=LetterStatus.CANCELLED,
            by="supporter",
            note="forgotten at their request",
        )
    leaving = exists().where(
        Letter.submission_id == Submission.id, Letter.status == LetterStatus.SENDING
    )
    found = await session.scalars(
        select(Submission.id).where(
            *_theirs(Submission, key, delivery), Submission.erased_at.is_(None), ~leaving
        )
    )
    emptied = list(found)
    await _empty(session, emptied)
    await _forget_mail(session, key, delivery)
    sending = Letter.status == LetterStatus.SENDING
    if not await session.scalar(select(Letter.id).where(*_theirs(Letter, key, delivery), sending)):
        await _unlink(session, key, delivery)
    return len(emptied)


def _theirs(table: type[Personal], key: str, delivery: str) -> list[ColumnElement[bool]]:
    theirs = [table.person_key == key]
    return [*theirs, table.delivery == delivery] if delivery else theirs


async def leaving(session: AsyncSession, email: str, settings: Settings) -> int:
    """How many letters of this person are being sent at this moment."""
    found = select(func.count(Letter.id)).where(
        Letter.person_key.in_(person_keys(settings, email)), Letter.status == LetterStatus.SENDING
    )
    return await session.scalar(found) or 0


async def erase_old(session: AsyncSession, settings: Settings) -> int:
    """Empty the forms whose letters have all been settled for `keep_days`; gives how many."""
    before = clock.now() - timedelta(days=settings.keep_days)
    standing = exists().where(
        Letter.submission_id == Submission.id,
        (Letter.status.in_(UNSETTLED)) | (Letter.status_at > before),
    )
    ids = await session.scalars(
        select(Submission.id)
        .where(Submission.created_at < before, Submission.erased_at.is_(None), ~standing)
        .limit(1000)
    )
    emptied = list(ids)
    await _empty(session, emptied)
    await _settle_returns(session, or_(_of_nobody(Letter), _of_nobody(Notice)))
    await session.execute(delete(SandboxMessage).where(SandboxMessage.received_at < before))
    return len(emptied)


async def _empty(session: AsyncSession, submission_ids: Sequence[int]) -> None:
    if not submission_ids:
        return
    which = Submission.id.in_(submission_ids)
    addresses = await session.scalars(select(Submission.email).where(which))
    await _forget_answers(session, set(addresses))
    await session.execute(update(Submission).where(which).values(**NOTHING, erased_at=clock.now()))
    letters = select(Letter.id).where(Letter.submission_id.in_(submission_ids))
    await session.execute(delete(LetterPrint).where(LetterPrint.letter_id.in_(letters)))
    told = list(
        await session.scalars(select(Notice.id).where(Notice.submission_id.in_(submission_ids)))
    )
    guessed = letters.with_only_columns(literal(GUESSED_LETTER) + cast(Letter.id, String))
    bound = Returned.letter_id.in_(letters) | Returned.notice_id.in_(told)
    guesses = Returned.reply.in_([f"{GUESSED_NOTICE}{number}" for number in told])
    await _settle_returns(session, bound | Returned.reply.in_(guessed) | guesses)
    await _forget_servers_words(session, told, letters.where(Letter.delivery.in_(TO_THE_WRITER)))


async def _forget_servers_words(
    session: AsyncSession, notices: Sequence[int], reflected: Select[int]
) -> None:
    """A notice went to the supporter's own address, and a reflected letter did too: a server that
    refused it may have named it."""
    addressed = Attempt.notice_id.in_(notices) | Attempt.letter_id.in_(reflected)
    await session.execute(update(Attempt).where(addressed).values(address="", reply=""))
    named = Returned.notice_id.in_(notices) | Returned.letter_id.in_(reflected)
    await session.execute(update(Returned).where(named).values(reply=""))
    await session.execute(update(Event).where(Event.letter_id.in_(reflected)).values(note=""))


async def _settle_returns(session: AsyncSession, about: ColumnElement[bool]) -> None:
    """What came back waits for no reader any more: a person's words may be in it."""
    waiting = (Returned.settled_at.is_(None), Returned.raw.is_not(None))
    settled = {"raw": None, "settled_at": clock.now(), "settled_by": FORGOTTEN}
    await session.execute(
        update(Returned)
        .where(*waiting, about)
        .values(**settled)
        .execution_options(synchronize_session=False)
    )


def _of_nobody(table: type[Letter | Notice]) -> ColumnElement[bool]:
    """Returned only after the form was emptied. Asked of each row that waits: they are few."""
    number = Returned.letter_id if table is Letter else Returned.notice_id
    form = (Submission.id == table.submission_id, Submission.erased_at.is_not(None))
    return exists().where(table.id == number, *form)


async def _forget_answers(session: AsyncSession, addresses: set[str]) -> None:
    """Practice mail to them that is of no letter and no notice: what an office answered."""
    ours = [
        exists().where(table.message_id == SandboxMessage.message_id) for table in (Letter, Notice)
    ]
    to_them = SandboxMessage.rcpt_to.in_({*addresses, *map(_as_mailed, addresses)})
    await session.execute(delete(SandboxMessage).where(to_them, ~or_(*ours)))


def _as_mailed(address: str) -> str:
    """With the name of its domain as servers call it: xn--…"""
    if address.isascii():
        return address
    with suppress(EmailNotValidError):
        return validate_email(address, check_deliverability=False).ascii_email or address
    return address


async def _forget_mail(session: AsyncSession, key: str, delivery: str) -> None:
    """Practice mail to them, and practice letters from them."""
    for table in (Letter, Notice):
        theirs = select(table.message_id).where(*_theirs(table, key, delivery))
        await session.execute(delete(SandboxMessage).where(SandboxMessage.message_id.in_(theirs)))


async def _unlink(session: AsyncSession, key: str, delivery: str) -> None:
    """A new, meaningless key in place of theirs: the counts stay, the person cannot be found."""
    fresh = secrets.token_hex(32)
    for table in (Submission, Letter, Notice, Participation):
        theirs = _theirs(table, key, delivery)
        await session.execute(update(table).where(*theirs).values(person_key=fresh))
