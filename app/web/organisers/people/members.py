"""The people of the organisation: who they are, what each may do, and inviting another."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from pydantic import AfterValidator
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse

from app.accounts import invitations, people, second_factor
from app.errors import FormRefused, Missing
from app.models import Organiser, Role
from app.settings import Settings
from app.web import gate
from app.web.organisers.people.said import sentences
from app.web.pages import reader_language, render

PEOPLE = "/organise/people"
Number = Annotated[int, AfterValidator(lambda number: max(0, min(number, 2**31 - 1)))]

router = APIRouter(prefix=PEOPLE, include_in_schema=False, dependencies=[Depends(gate.signed_in)])
Owner = Annotated[Organiser, Depends(gate.at_least(Role.OWNER))]


@router.get("")
async def show(request: Request, session: gate.Reading, organiser: gate.Us) -> Response:
    return await _page(request, session, organiser)


@router.post("/invite", dependencies=[Depends(gate.form_token)])
async def invite(
    request: Request,
    reading: gate.Reading,
    settings: gate.Configured,
    owner: Owner,
    email: Annotated[str, Form()] = "",
    role: Annotated[str, Form()] = "",
) -> Response:
    """Ask somebody by mail to join."""
    try:
        if role not in list(Role):
            raise FormRefused({"role": "role"})
        async with gate.writing(request) as session:
            await invitations.invite(
                session, owner, email=email, role=Role(role), settings=settings
            )
    except FormRefused as refusal:
        typed = {"email": email, "role": role}
        return await _page(request, reading, owner, typed=typed, fields=refusal.fields)
    return _back("invited")


async def _change_role(
    session: AsyncSession, by: Organiser, organiser_id: int, role: str, settings: Settings
) -> None:
    if role not in list(Role):
        raise Missing("role", role)
    await people.change_role(session, by, organiser_id, Role(role))


async def _disable(
    session: AsyncSession, by: Organiser, organiser_id: int, role: str, settings: Settings
) -> None:
    await people.disable(session, by, organiser_id)


async def _enable(
    session: AsyncSession, by: Organiser, organiser_id: int, role: str, settings: Settings
) -> None:
    await people.enable(session, by, organiser_id)


async def _put_out(
    session: AsyncSession, by: Organiser, organiser_id: int, role: str, settings: Settings
) -> None:
    await people.put_out(session, by, organiser_id)


async def _again(
    session: AsyncSession, by: Organiser, organiser_id: int, role: str, settings: Settings
) -> None:
    await invitations.again(session, by, organiser_id, settings)


async def _reset(
    session: AsyncSession, by: Organiser, organiser_id: int, role: str, settings: Settings
) -> None:
    await people.acting(session, by)
    person = await people.another(session, by, organiser_id)
    await second_factor.turn_off(session, person.id, by=by.email)


Act = Callable[[AsyncSession, Organiser, int, str, Settings], Awaitable[None]]
ACTS: dict[str, Act] = {
    "role": _change_role,
    "disable": _disable,
    "enable": _enable,
    "put-out": _put_out,
    "again": _again,
    "reset-second-factor": _reset,
}


@router.post("/members/{organiser_id}/{act}", dependencies=[Depends(gate.form_token)])
async def change(
    session: gate.Tx,
    settings: gate.Configured,
    owner: Owner,
    organiser_id: Number,
    act: str,
    role: Annotated[str, Form()] = "",
) -> Response:
    """Another role, out for now or for good, in again, the invitation once more, or in without the
    second factor."""
    if act not in ACTS:
        raise Missing("page", act)
    await ACTS[act](session, owner, organiser_id, role, settings)
    return _back(act)


async def _page(
    request: Request,
    session: AsyncSession,
    organiser: Organiser,
    *,
    typed: dict[str, str] | None = None,
    fields: dict[str, str] | None = None,
) -> Response:
    context: dict[str, Any] = {
        "people": await people.of_organisation(session, organiser.organisation_id),
        "may_change": gate.covers(organiser, Role.OWNER),
        "typed": typed or {"email": "", "role": Role.ORGANISER},
        "errors": sentences(fields or {}, reader_language(request)),
    }
    return render(request, "organise/people/people.html", 422 if fields else 200, **context)


def _back(done: str) -> Response:
    return RedirectResponse(f"{PEOPLE}?done={done}", 303)
