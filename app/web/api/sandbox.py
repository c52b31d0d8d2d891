"""The sandbox mailbox for programs: a list, and each message as raw RFC 5322."""

from datetime import datetime

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import defer

from app.errors import NotPractice
from app.models import SandboxMessage
from app.settings import Delivery
from app.web import gate, sandbox

MOST = 1000


async def only_in_practice(settings: gate.Configured) -> None:
    if settings.delivery is not Delivery.SANDBOX:
        raise NotPractice


router = APIRouter(
    prefix="/api/v1/sandbox",
    tags=["sandbox"],
    dependencies=[Depends(only_in_practice), Depends(sandbox.open_to)],
)


class MessageLine(BaseModel):
    id: int
    received_at: datetime
    mail_from: str
    rcpt_to: str
    subject: str
    message_id: str


@router.get("/messages")
async def messages(
    session: gate.Reading,
    seen: sandbox.Seen,
    to: str = "",
    after: sandbox.Number = 0,
    limit: int = 100,
) -> list[MessageLine]:
    """Oldest first: `after` the id of the last one seen; `to` part of the receiving address."""
    found = (
        select(SandboxMessage)
        .options(defer(SandboxMessage.raw, raiseload=True))
        .where(SandboxMessage.id > after, seen)
        .order_by(SandboxMessage.id)
        .limit(max(1, min(limit, MOST)))
    )
    if to:
        found = found.where(SandboxMessage.rcpt_to.icontains(to, autoescape=True))
    return [
        MessageLine.model_validate(one, from_attributes=True)
        for one in await session.scalars(found)
    ]


@router.get("/messages/{message_id}", response_class=Response)
async def message(message: sandbox.One) -> Response:
    """The message as it arrived, byte for byte."""
    return Response(message.raw, media_type="message/rfc822")
