"""The sandbox mailbox: every practice message, as it would have left."""

from collections.abc import Sequence
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AfterValidator
from sqlalchemy import ColumnElement, exists, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from app.accounts import organisations
from app.errors import Missing, NotPractice, NotSignedIn
from app.models import Letter, Notice, NoticeKind, Role, SandboxMessage
from app.settings import Delivery
from app.web import gate
from app.web.pages import render

PAGE = 50
# what a column holds
Number = Annotated[int, AfterValidator(lambda number: max(0, min(number, 2**53)))]
SHOWN_HEADERS = ("From", "To", "Reply-To", "Subject", "Date")


async def open_to(request: Request, settings: gate.Configured, sign_in: gate.SignInOrNot) -> None:
    """Organisers always; others only where mail is practice and they sit at this machine."""
    if sign_in is not None:
        return
    if settings.delivery is Delivery.LIVE:
        raise NotPractice
    if not (settings.public_is_loopback and gate.on_this_machine(request)):
        raise NotSignedIn


async def seen_by(session: gate.Reading, sign_in: gate.SignInOrNot) -> ColumnElement[bool]:
    """Who signed in sees the messages of their own organisation, at this machine too.

    Those that are nobody's (a trial by hand) are seen by the first, whose machine it is.
    """
    if sign_in is None:
        return true()
    ours = sign_in.organiser.organisation_id
    first = (await organisations.first(session)).id
    seen = SandboxMessage.organisation_id == ours
    if ours == first:
        seen = or_(seen, SandboxMessage.organisation_id.is_(None))
    if not gate.covers(sign_in.organiser, Role.OWNER):
        seen &= ~_invites  # its link would make whoever opens it what the invited shall be
    return seen


_invites = exists().where(
    Notice.message_id == SandboxMessage.message_id, Notice.kind == NoticeKind.INVITATION
)


Seen = Annotated[ColumnElement[bool], Depends(seen_by)]
router = APIRouter(prefix="/sandbox", include_in_schema=False, dependencies=[Depends(open_to)])


@router.get("")
async def messages(
    request: Request,
    session: gate.Reading,
    seen: Seen,
    address: str = "",
    before: Number | None = None,
) -> Response:
    """Newest first, fifty at a time, to one address if asked."""
    found = select(SandboxMessage).options(defer(SandboxMessage.raw, raiseload=True)).where(seen)
    if address:
        wanted = address.strip().lower()
        found = found.where(SandboxMessage.rcpt_to.icontains(wanted, autoescape=True))
    if before is not None:
        found = found.where(SandboxMessage.id < before)
    found = found.order_by(SandboxMessage.id.desc()).limit(PAGE + 1)
    rows = (await session.scalars(found)).all()
    return render(
        request,
        "sandbox/messages.html",
        messages=rows[:PAGE],
        kinds=await _kinds(session, [one.message_id for one in rows]),
        address=address,
        before=before,
        older=rows[PAGE - 1].id if len(rows) > PAGE else None,
    )


async def _kinds(session: AsyncSession, ids: Sequence[str]) -> dict[str, str]:
    """`letter` or `notice`, by Message-ID; what was sent by hand is neither."""
    kinds: dict[str, str] = {}
    for kind, sent in (("letter", Letter), ("notice", Notice)):
        found = await session.scalars(select(sent.message_id).where(sent.message_id.in_(ids)))
        kinds |= dict.fromkeys(found, kind)
    return kinds


async def one(session: gate.Reading, seen: Seen, message_id: Number) -> SandboxMessage:
    message = await session.scalar(
        select(SandboxMessage).where(SandboxMessage.id == message_id, seen)
    )
    if message is None:
        raise Missing("message", str(message_id))
    return message


One = Annotated[SandboxMessage, Depends(one)]


@router.get("/{message_id}")
async def message(request: Request, message: One) -> Response:
    parsed = BytesParser(_class=EmailMessage, policy=default).parsebytes(message.raw)
    body = parsed.get_body(("plain",))
    return render(
        request,
        "sandbox/message.html",
        message=message,
        headers=[(name, str(parsed[name])) for name in SHOWN_HEADERS if parsed[name]],
        other_headers=[
            (name, str(value)) for name, value in parsed.items() if name not in SHOWN_HEADERS
        ],
        text=body.get_content() if body else "",
    )


@router.get("/{message_id}/raw")
async def raw(message: One) -> Response:
    return Response(message.raw, media_type="text/plain; charset=utf-8")
