"""“Send me the letters”: those of a made-up supporter, to the organiser, as they would leave."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app import audit
from app.campaigns.drafts import keeping, showing
from app.campaigns.drafts.keeping import Draft
from app.campaigns.drafts.showing import SAMPLES
from app.campaigns.offices import Office
from app.db import Database
from app.delivery.messages.headers import ascii_address
from app.delivery.practice import letters
from app.delivery.practice.letters import Tried
from app.models import Alert, Organiser, Role, SandboxMessage
from app.settings import Delivery
from app.web import gate
from app.web.organisers.alerts import find
from app.web.pages import render

router = APIRouter(
    prefix="/organise/alerts", include_in_schema=False, dependencies=[Depends(gate.signed_in)]
)
Changing = Annotated[Organiser, Depends(gate.at_least(Role.ORGANISER))]


@router.post("/{slug}/test-letters", dependencies=[Depends(gate.form_token)])
async def send(
    request: Request,
    settings: gate.Configured,
    organiser: Changing,
    slug: str,
    sample: Annotated[int, Form(ge=0, le=len(SAMPLES) - 1)] = 0,
) -> Response:
    """Read, talk, write: no transaction is open while a server is spoken to."""
    database: Database = request.app.state.database
    async with database.reading() as session:
        draft = await keeping.read(session, await find(session, organiser, slug))
        offices = await _default_offices(session, draft)
    tried = await letters.send(settings, offices, SAMPLES[sample], to=organiser.email, seed=sample)
    well = bool(tried) and all(one.taken for one in tried)
    async with database.transaction() as session:
        await _keep(session, draft, tried, organiser.email, well=well)
    return render(
        request,
        "organise/life/tried.html",
        alert=draft.alert,
        tried=tried,
        well=well,
        me=organiser.email,
        sample=SAMPLES[sample].name,
        practice_only=settings.delivery is Delivery.SANDBOX,
    )


async def _default_offices(session: AsyncSession, draft: Draft) -> list[Office]:
    """Those the form has ticked from the start, whether or not somebody checked their address."""
    shown = await showing.shown(session, draft, delivery=Delivery.TRIAL)
    return [one for one in shown.offices if one.standard]


async def _keep(
    session: AsyncSession, draft: Draft, tried: list[Tried], by: str, *, well: bool
) -> None:
    """That these very texts were tried; and whose the practice letters are."""
    alert = await session.get_one(Alert, draft.alert.id)
    if well:
        alert.tested_seal = draft.letters_seal
    ids = [one.message_id for one in tried if one.message_id]
    whose = draft.alert.campaign.organisation_id
    kept = (SandboxMessage.message_id.in_(ids), SandboxMessage.rcpt_to == ascii_address(by))
    await session.execute(update(SandboxMessage).where(*kept).values(organisation_id=whose))
    n = sum(one.taken for one in tried)
    said = f"Sent {n} of {len(tried)} test letters of “{alert.slug}” to {by}"
    await audit.note(session, by, said, organisation_id=whose)
