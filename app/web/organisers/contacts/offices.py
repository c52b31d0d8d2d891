"""One office: its address typed, checked, replaced, taken out; and what supporters say of it."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Path, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse

from app import audit, languages
from app.contacts import directory, editing, listing, reports
from app.contacts.comparing import Difference
from app.errors import FormRefused
from app.models import Contact, Organiser, Role, Target
from app.outbox import freezes, refusals
from app.web import gate
from app.web.organisers.contacts import typed
from app.web.organisers.contacts.directory import CONTACTS
from app.web.pages import reader_language, render
from app.wording.templates import ROLES

OFFICES = f"{CONTACTS}/offices"
LARGEST = 2**31 - 1
NOTES = 10

router = APIRouter(prefix=OFFICES, include_in_schema=False, dependencies=[Depends(gate.signed_in)])
Changing = Annotated[Organiser, Depends(gate.at_least(Role.ORGANISER))]
Id = Annotated[int, Path(ge=1, le=LARGEST)]
posted = [Depends(gate.form_token)]


@router.get("/new")
async def new(request: Request, organiser: Changing, country: str = "") -> Response:
    return _new(request, typed.blank(country))


@router.post("/new", dependencies=posted)
async def add(request: Request, session: gate.Tx, organiser: Changing) -> Response:
    fields = typed.of(await request.form())
    try:
        row = editing.row_of(fields)
        target = await editing.add(session, row)
    except FormRefused as refusal:
        return _new(request, fields, refusal)
    sentence = f"Added {_named(target)} with {row.email}, {_seen(row.source_url)}"
    await audit.note(session, organiser.email, sentence)
    return _back(target.id, "added")


@router.get("/{office_id}")
async def office(
    request: Request,
    session: gate.Reading,
    settings: gate.Configured,
    organiser: gate.Us,
    office_id: Id,
) -> Response:
    return await _show(request, session, organiser, office_id, settings.delivery)


@router.post("/{office_id}", dependencies=posted)
async def change(
    request: Request,
    session: gate.Tx,
    settings: gate.Configured,
    organiser: Changing,
    office_id: Id,
) -> Response:
    """What was typed becomes so; another address retires the one before."""
    target, before = await editing.find(session, office_id)
    fields = typed.of(await request.form()) | {"country": target.country}
    by, named = organiser.email, _named(target)
    try:
        row = editing.row_of(fields)
        done = await editing.change(session, office_id, row, by=by)
    except FormRefused as refusal:
        return await _show(
            request, session, organiser, office_id, settings.delivery, fields, refusal
        )
    if before and "email" in {name for name, *_ in done}:
        await let_go(session, [before.id], by=by)
    if done:
        await audit.note(session, by, f"Changed {named}: {_told(done)}, {_seen(row.source_url)}")
    return _back(office_id, "changed" if done else "unchanged")


@router.post("/{office_id}/check", dependencies=posted)
async def check(
    request: Request,
    session: gate.Tx,
    settings: gate.Configured,
    organiser: Changing,
    office_id: Id,
    source: Annotated[str, Form()] = "",
) -> Response:
    """An organiser has seen the address on a page today, and says on which."""
    target, contact = await editing.find(session, office_id)
    by, source = organiser.email, source.strip()
    if contact is None:
        return _back(office_id, "unchanged")
    try:
        checked = await directory.check(session, contact.email, source_url=source, by=by)
    except FormRefused as refusal:
        return await _show(
            *(request, session, organiser, office_id, settings.delivery),
            refusal=refusal,
            source=source,
        )
    await refusals.reviewed(session, [one.id for one in checked], by=by)
    await audit.note(session, by, f"Checked {contact.email} of {_named(target)}: {source}")
    return _back(office_id, "checked")


@router.post("/{office_id}/retire", dependencies=posted)
async def retire(session: gate.Tx, organiser: Changing, office_id: Id) -> Response:
    target, before = await editing.find(session, office_id)
    email = await editing.retire(session, office_id, by=organiser.email)
    if before and email:
        await let_go(session, [before.id], by=organiser.email)
        await audit.note(session, organiser.email, f"Took {email} of {_named(target)} out")
    return _back(office_id, "retired" if email else "unchanged")


@router.post("/{office_id}/reports/{report_id}/settle", dependencies=posted)
async def settle(session: gate.Tx, organiser: Changing, office_id: Id, report_id: Id) -> Response:
    target, _ = await editing.find(session, office_id)
    by = organiser.email
    settled = await reports.settle(session, report_id, target_id=office_id, by=by)
    if settled:
        await audit.note(session, by, f"Settled a report on the address of {_named(target)}")
    return _back(office_id, "settled" if settled else "unchanged")


async def let_go(session: AsyncSession, contact_ids: Iterable[int], *, by: str) -> None:
    """What the program held of addresses that are no longer used: there is nothing to review."""
    held = {hold.ref for hold in await freezes.standing_all(session, "contact")}
    await refusals.reviewed(session, sorted(held.intersection(contact_ids)), by=by)


def _new(request: Request, fields: dict[str, str], refusal: FormRefused | None = None) -> Response:
    language = reader_language(request)
    return render(
        request,
        "organise/contacts/new.html",
        422 if refusal else 200,
        typed=fields,
        errors=typed.sentences(refusal, language),
        **_choices(language),
    )


async def _show(
    request: Request,
    session: AsyncSession,
    organiser: Organiser,
    office_id: int,
    delivery: str,
    fields: dict[str, str] | None = None,
    refusal: FormRefused | None = None,
    source: str = "",
) -> Response:
    target, contact = await editing.find(session, office_id)
    (line,) = await listing.lines(session, [office_id])
    language = reader_language(request)
    about = _named(target)
    return render(
        request,
        "organise/contacts/office.html",
        422 if refusal else 200,
        line=line,
        typed=fields or _standing(target, contact),
        source=source,
        errors=typed.sentences(refusal, language),
        waiting=await listing.waiting_letters(session, office_id, delivery),
        reports=await reports.waiting_for(session, [contact.id] if contact else []),
        earlier=await editing.earlier(session, office_id),
        notes=await audit.lines(session, organiser.organisation_id, about=about, limit=NOTES),
        may_change=gate.covers(organiser, Role.ORGANISER),
        here=f"{OFFICES}/{office_id}",
        stale_days=directory.STALE.days,
        **_choices(language),
    )


def _choices(language: str) -> dict[str, Any]:
    return {
        "all_countries": languages.countries(language),
        "roles": ROLES,
        "evidences": typed.EVIDENCES,
    }


def _standing(target: Target, contact: Contact | None) -> dict[str, str]:
    """What stands in the fields before anybody types."""
    of_office = {name: str(getattr(target, name)) for name in typed.OF_OFFICE}
    if contact is None:
        return typed.blank(target.country) | of_office
    return of_office | {
        "email": contact.email,
        "languages": " ".join(contact.languages),
        "evidence": contact.evidence,
        "source_url": contact.source_url,
    }


def _named(target: Target) -> str:
    return f"“{target.office}” ({target.country})"


def _told(done: list[Difference]) -> str:
    return "; ".join(f"{name} from “{was}” to “{now}”" for name, was, now in done)


def _seen(source: str) -> str:
    return f"seen at {source}" if source else "without a source"


def _back(office_id: int, done: str) -> Response:
    return RedirectResponse(f"{OFFICES}/{office_id}?done={done}", 303)
