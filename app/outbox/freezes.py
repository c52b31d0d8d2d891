"""Holds on an alert, a contact, a mail host or a letter: who, why, when. The claim skips them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import UTCDateTime, insert_for
from app.models import (
    Contact,
    Event,
    Freeze,
    Letter,
    LetterStatus,
    Mailbox,
    MailDomain,
    StageMove,
)

Scope = Literal["alert", "contact", "host", "letter"]
STANDING = Freeze.released_at.is_(None)
OUT_OF_THE_WAY = timedelta(days=365)  # for as long as nobody decides, they are held all the same
LONGER_THAN_A_SERVER_ASKS = timedelta(hours=12)  # of which 3 and a quarter of it are the longest
_QUEUED = LetterStatus.QUEUED


@dataclass(frozen=True)
class Frozen:
    """What is held, by id. Single letters are not among them: there may be many."""

    alerts: frozenset[int]
    contacts: frozenset[int]
    hosts: frozenset[int]


async def frozen(session: AsyncSession) -> Frozen:
    """The alerts, contacts and mail hosts on which a hold stands; read once per claim."""
    rows = await session.execute(
        # by name: the index knows the scopes, and of single letters there may be a million
        select(Freeze.scope, Freeze.ref).where(
            STANDING, Freeze.scope.in_(("alert", "contact", "host"))
        )
    )
    refs: dict[str, set[int]] = {"alert": set(), "contact": set(), "host": set()}
    for scope, ref in rows:
        refs[scope].add(ref)
    return Frozen(*(frozenset(refs[scope]) for scope in ("alert", "contact", "host")))


def letter_is_frozen() -> ColumnElement[bool]:
    """Whether a hold stands on a letter itself, for a statement that has Letter in it."""
    return exists().where(STANDING, Freeze.scope == "letter", Freeze.ref == Letter.id)


def in_force() -> ColumnElement[bool]:
    """Whether a hold stands on a letter: on its alert, its contact, its mail host, or itself.

    For a statement that has Letter and its current Contact in it.
    """
    return exists().where(
        STANDING,
        or_(
            and_(Freeze.scope == "alert", Freeze.ref == Letter.alert_id),
            and_(Freeze.scope == "contact", Freeze.ref == Contact.id),
            and_(Freeze.scope == "host", Freeze.ref == _host_of_contact()),
            and_(Freeze.scope == "letter", Freeze.ref == Letter.id),
        ),
    )


async def freeze(session: AsyncSession, *, scope: Scope, ref: int, why: str, by: str) -> bool:
    """Hold it; False when it was held already, and the first hold's reason stands."""
    hold = insert_for(session)(Freeze).values(
        scope=scope, ref=ref, why=why, by=by, at=clock.now(), released_by=""
    )
    made = await session.execute(hold.on_conflict_do_nothing().returning(Freeze.id))
    return made.scalar_one_or_none() is not None


async def release(session: AsyncSession, *, scope: Scope, ref: int, by: str) -> bool:
    """Let it go on; False when it was not held."""
    let_go = (
        update(Freeze)
        .where(Freeze.scope == scope, Freeze.ref == ref, STANDING)
        .values(released_at=clock.now(), released_by=by)
        .returning(Freeze.id)
    )
    released = (await session.execute(let_go)).scalar_one_or_none()
    if released is not None and scope == "letter":
        await _bring_back(session, Freeze.id == released)
    return released is not None


async def freeze_moved(
    session: AsyncSession, move: StageMove, letters: Sequence[Select[int]], *, why: str, by: str
) -> int:
    """Hold each of these letters because its country moved on, in one statement however many;
    gives how many. Those held already keep their first hold."""
    found = union_all(*letters).subquery()
    now = literal(clock.now(), UTCDateTime())
    columns = ("scope", "ref", "why", "by", "at", "released_by", "stage_move_id")
    rows = select(
        literal("letter"),
        found.c.id,
        literal(why),
        literal(by),
        now,
        literal(""),
        literal(move.id),
    ).where(found.c.id.is_not(None))  # SQLite reads ON CONFLICT only behind a WHERE
    holds = insert_for(session)(Freeze).from_select(columns, rows)
    done = await session.execute(holds.on_conflict_do_nothing())
    made = Freeze.stage_move_id == move.id, Freeze.at == now
    # or every claim would look past all of them: they stand first in their lanes
    await _put_off(session, clock.now() + OUT_OF_THE_WAY, *made)
    await _note(session, "frozen", by, why, *made)
    return int(done.rowcount)  # type: ignore[attr-defined]


async def release_moved(
    session: AsyncSession,
    move: StageMove,
    *,
    by: str,
    only: ColumnElement[bool] | None = None,
    note: str | None = None,
) -> int:
    """Let go what a country's move holds, or only those of its freezes; gives how many.

    `note`: what the letters' histories say of it; None: they tell another story.
    """
    now = clock.now()
    held: list[ColumnElement[bool]] = [Freeze.stage_move_id == move.id, STANDING]
    if only is not None:
        held.append(only)
    done = await session.execute(
        update(Freeze)
        .where(*held)
        .values(released_at=now, released_by=by)
        .execution_options(synchronize_session=False)
    )
    released = Freeze.stage_move_id == move.id, Freeze.released_at == now
    await _bring_back(session, *released)
    if note is not None:
        await _note(session, "released", by, note, *released)
    return int(done.rowcount)  # type: ignore[attr-defined]


async def _put_off(session: AsyncSession, to: datetime, *which: ColumnElement[bool]) -> None:
    """The waiting letters whose holds these are become due so late."""
    await session.execute(
        update(Letter)
        .where(Letter.id.in_(select(Freeze.ref).where(*which)), Letter.status == _QUEUED)
        .values(not_before=to)
        .execution_options(synchronize_session=False)
    )


async def _bring_back(session: AsyncSession, *which: ColumnElement[bool]) -> None:
    """What was put out of the way is due again; what was put off by its server is not."""
    far = clock.now() + LONGER_THAN_A_SERVER_ASKS
    await session.execute(
        update(Letter)
        .where(
            Letter.id.in_(select(Freeze.ref).where(Freeze.scope == "letter", *which)),
            Letter.status == _QUEUED,
            Letter.not_before > far,
        )
        .values(not_before=clock.now())
        .execution_options(synchronize_session=False)
    )


async def _note(
    session: AsyncSession, what: str, by: str, note: str, *which: ColumnElement[bool]
) -> None:
    """A line in the history of each letter whose hold this is."""
    columns = ("letter_id", "at", "what", "by", "note")
    now = literal(clock.now(), UTCDateTime())
    rows = select(Freeze.ref, now, literal(what), literal(by), literal(note)).where(*which)
    await session.execute(insert(Event).from_select(columns, rows))


async def standing(session: AsyncSession, scope: Scope, ref: int) -> Freeze | None:
    """The hold in force, if there is one."""
    found = select(Freeze).where(Freeze.scope == scope, Freeze.ref == ref, STANDING)
    return (await session.execute(found)).scalar_one_or_none()


async def standing_all(session: AsyncSession, scope: Scope) -> Sequence[Freeze]:
    """Every hold in force on things of this kind, the oldest first."""
    found = select(Freeze).where(Freeze.scope == scope, STANDING).order_by(Freeze.at, Freeze.id)
    return (await session.scalars(found)).all()


def _host_of_contact() -> Any:
    return (
        select(MailDomain.host_id)
        .join(Mailbox, Mailbox.domain == MailDomain.name)
        .where(Mailbox.email == func.lower(Contact.email))
        .correlate(Contact)
        .scalar_subquery()
    )
