"""An alert's steps from draft to archive, each the press of a button."""

from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from fastapi import APIRouter, Depends, Form, Request, Response
from starlette.responses import RedirectResponse

from app import audit
from app.campaigns.life import transitions
from app.contacts import directory
from app.errors import DraftUnfinished, FormRefused
from app.models import Organiser, Role
from app.web import gate
from app.web.organisers.alerts import find, page

MOST_TEST_PEOPLE = 20

router = APIRouter(
    prefix="/organise/alerts", include_in_schema=False, dependencies=[Depends(gate.signed_in)]
)
Changing = Annotated[Organiser, Depends(gate.at_least(Role.ORGANISER))]
ours = Depends(gate.form_token)


@router.post("/{slug}/rehearse", dependencies=[ours])
async def rehearse(session: gate.Tx, organiser: Changing, slug: str) -> Response:
    """Begin a rehearsal, or take the changes into it; what is unfinished is shown in its list."""
    alert = await find(session, organiser, slug)
    try:
        async with session.begin_nested():
            await transitions.rehearse(session, alert, by=organiser.email)
    except DraftUnfinished:
        return RedirectResponse(f"/organise/alerts/{slug}/publish?done=unfinished", 303)
    return _back(slug, "rehearsal")


@router.post("/{slug}/draft", dependencies=[ours])
async def write_on(session: gate.Tx, organiser: Changing, slug: str) -> Response:
    alert = await find(session, organiser, slug)
    await transitions.write_on(session, alert, by=organiser.email)
    return _back(slug, "draft")


@router.post("/{slug}/close", dependencies=[ours])
async def close(session: gate.Tx, organiser: Changing, slug: str) -> Response:
    alert = await find(session, organiser, slug)
    await transitions.close(session, alert, by=organiser.email)
    return _back(slug, "closed")


@router.post("/{slug}/reopen", dependencies=[ours])
async def reopen(session: gate.Tx, organiser: Changing, slug: str) -> Response:
    alert = await find(session, organiser, slug)
    await transitions.reopen(session, alert, by=organiser.email)
    return _back(slug, "reopened")


@router.post("/{slug}/archive", dependencies=[ours])
async def archive(session: gate.Tx, organiser: Changing, slug: str) -> Response:
    alert = await find(session, organiser, slug)
    await transitions.archive(session, alert, by=organiser.email)
    return _back(slug, "archived")


@router.post("/{slug}/forget-changes", dependencies=[ours])
async def forget_changes(session: gate.Tx, organiser: Changing, slug: str) -> Response:
    alert = await find(session, organiser, slug)
    await transitions.forget_changes(session, alert, by=organiser.email)
    return _back(slug, "forgotten")


@router.post("/{slug}/throw-away", dependencies=[ours])
async def throw_away(session: gate.Tx, organiser: Changing, slug: str) -> Response:
    alert = await find(session, organiser, slug)
    await transitions.throw_away(session, alert, by=organiser.email)
    return RedirectResponse("/organise?done=thrown-away", 303)


@router.post("/{slug}/won", dependencies=[ours])
async def win(
    request: Request,
    session: gate.Tx,
    settings: gate.Configured,
    organiser: Changing,
    slug: str,
    ending_words: Annotated[str, Form()] = "",
) -> Response:
    """It has reached what it asked for; supporters read the words on its page."""
    alert = await find(session, organiser, slug)
    try:
        await transitions.win(session, alert, ending_words, by=organiser.email)
    except FormRefused as refusal:
        faults = {"ending_words": refusal.fields["ending_words"]}
        typed = {"ending_words": ending_words}
        return await page(request, session, settings, organiser, alert, faults=faults, typed=typed)
    return _back(slug, "won")


@router.post("/{slug}/test-people", dependencies=[ours])
async def name_test_people(
    request: Request,
    session: gate.Tx,
    settings: gate.Configured,
    organiser: Changing,
    slug: str,
    test_people: Annotated[str, Form()] = "",
) -> Response:
    """Whose rehearsal letters go back to them: addresses, one a line."""
    alert = await find(session, organiser, slug)
    people = list(dict.fromkeys(test_people.replace(",", " ").split()))
    strange = [one for one in people if not _is_address(one)]
    if not strange and await directory.any_of(session, people):
        strange = ["an_office"]
    if strange or len(people) > MOST_TEST_PEOPLE:
        faults = {"test_people": strange[0] if strange else "too_many"}
        typed = {"test_people": test_people}
        return await page(request, session, settings, organiser, alert, faults=faults, typed=typed)
    alert.test_people = "\n".join(people)
    said = f"Named {len(people)} test people for the alert “{slug}”"
    await audit.note(session, organiser.email, said)
    return _back(slug, "test-people")


def _is_address(text: str) -> bool:
    try:
        return bool(validate_email(text, check_deliverability=False).ascii_email)
    except EmailNotValidError:
        return False


def _back(slug: str, done: str) -> Response:
    return RedirectResponse(f"/organise/alerts/{slug}?done={done}", 303)
