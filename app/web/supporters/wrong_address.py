"""A supporter says that an office's address is wrong. No account, no script, one field."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from app.campaigns import alerts
from app.contacts import editing, reports
from app.errors import FormRefused, Missing
from app.letters import own
from app.models import Alert, Contact, Letter, Target
from app.web import forms, pages
from app.web.gate import Configured, Reading, Tx, throttle
from app.web.supporters.letters import LARGEST

router = APIRouter(include_in_schema=False)
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]
WRONG_ADDRESS = "/alerts/{slug}/offices/{office_id}/wrong-address"


@router.get(WRONG_ADDRESS)
async def show(request: Request, slug: str, office_id: Id, session: Reading) -> Response:
    alert, target, contact = await _found(session, slug, office_id)
    return _page(request, alert, target, contact)


@router.post(WRONG_ADDRESS, dependencies=[Depends(throttle("form"))])
async def report(request: Request, slug: str, office_id: Id, session: Tx) -> Response:
    data = await request.form()  # the gate has read it, before the transaction began
    alert, target, contact = await _found(session, slug, office_id)
    said = str(data.get("said", ""))
    if not forms.is_caught(data):
        try:
            await reports.report(session, contact.id, said)
        except FormRefused as refusal:
            return _page(request, alert, target, contact, said=said, refusal=refusal)
    # one answer for all: a machine that was caught and the twentieth who says so too
    return RedirectResponse(f"/alerts/{slug}/offices/{office_id}/wrong-address?done=thanks", 303)


@router.get("/letters/{token}/receipts/{letter_id}/wrong-address")
async def of_letter(
    token: str, letter_id: Annotated[int, Path(le=LARGEST)], session: Reading, settings: Configured
) -> Response:
    """From a letter's receipt to the page of its office, which knows nothing of the letter."""
    submission = await own.by_token(session, settings, token)
    which = (Letter.id == letter_id, Letter.submission_id == submission.id)
    office_id = await session.scalar(select(Letter.target_id).where(*which))
    if office_id is None:
        raise Missing("letter")
    slug = submission.alert.slug
    return RedirectResponse(f"/alerts/{slug}/offices/{office_id}/wrong-address", 303)


async def _found(session: AsyncSession, slug: str, office_id: int) -> tuple[Alert, Target, Contact]:
    """An office of one of the alert's countries, with its address. Raises Missing."""
    alert = await alerts.by_slug(session, slug)
    target, contact = await editing.find(session, office_id)
    if contact is None or target.country not in {one.country for one in alert.countries}:
        raise Missing("office", str(office_id))
    return alert, target, contact


def _page(
    request: Request,
    alert: Alert,
    target: Target,
    contact: Contact,
    *,
    said: str = "",
    refusal: FormRefused | None = None,
) -> Response:
    return pages.render(
        request,
        "alerts/wrong_address.html",
        422 if refusal else 200,
        alert=alert,
        target=target,
        contact=contact,
        said=said,
        fault=refusal.fields["said"] if refusal else "",
        longest=reports.LONGEST,
    )
