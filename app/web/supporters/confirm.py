"""The confirm link: it shows the letters; only its button sends them."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from app.campaigns import offices
from app.errors import FormRefused
from app.letters import confirmation
from app.models import Submission
from app.settings import Settings
from app.tokens import LETTERS, link_token
from app.web import forms, pages
from app.web.gate import Configured, Reading, Tx
from app.wording import own_mailbox

router = APIRouter(include_in_schema=False)


@router.get("/confirm/{token}")
async def show(request: Request, token: str, session: Reading, settings: Configured) -> Response:
    submission = await confirmation.by_token(session, settings, token)
    if submission.confirmed_at:
        return _to_letters(settings, submission)
    return await _page(request, session, submission)


@router.post("/confirm/{token}")
async def press(request: Request, token: str, session: Tx, settings: Configured) -> Response:
    """Send the letters that were on the page. If the supporter changed their sentence, or a
    country moved on meanwhile, show how they read now first: nobody sends what they have not
    seen."""
    data = await request.form()  # the gate has read it, before the transaction began
    submission = await confirmation.by_token(session, settings, token)
    if submission.confirmed_at:
        return _to_letters(settings, submission)
    if "own_words" in data:
        try:
            await confirmation.reword(session, submission, str(data["own_words"]))
        except FormRefused as refusal:
            typed = str(data["own_words"])
            return await _page(request, session, submission, refusal=refusal, typed=typed)
    letters = await confirmation.waiting(session, submission)
    shown = str(data.get("shown", ""))
    if letters and confirmation.seal(letters) != shown:
        return await _page(request, session, submission, changed=True)
    await confirmation.confirm(session, settings, submission, shown=shown)
    return _to_letters(settings, submission)


async def _page(
    request: Request,
    session: Reading,
    submission: Submission,
    *,
    changed: bool = False,
    refusal: FormRefused | None = None,
    typed: str | None = None,
) -> Response:
    letters = await confirmation.waiting(session, submission)
    language = pages.reader_language(request)
    return pages.render(
        request,
        "confirm/confirm.html",
        422 if refusal else 200,
        alert=submission.alert,
        submission=submission,
        letters=letters,
        shown=confirmation.seal(letters),
        held=await offices.held(session, [one.contact for one in letters if one.contact]),
        own_mailbox=own_mailbox.offer,
        changed=changed,
        own_words=submission.own_words if typed is None else typed,
        errors=forms.sentences(refusal.fields, language) if refusal else {},
    )


def _to_letters(settings: Settings, submission: Submission) -> Response:
    token = link_token(settings, LETTERS, submission.public_id)
    return RedirectResponse(f"/letters/{token}", 303)
