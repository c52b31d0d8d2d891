"""The confirm link: it shows the letters; only its button sends them. After a week it makes them
anew, for whoever still wants them to go."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from app.campaigns import alerts, offices
from app.errors import FormRefused, LinkDamaged, Missing
from app.letters import confirmation
from app.letters.asking import anew
from app.models import Submission
from app.outbox import freezes
from app.settings import Settings
from app.tokens import CONFIRM, LETTERS, LOOK, link_token
from app.web import forms, pages
from app.web.gate import Configured, Reading, Tx
from app.web.supporters import waiting
from app.wording import own_mailbox

router = APIRouter(include_in_schema=False)


@router.get("/confirm/{token}")
async def show(request: Request, token: str, session: Reading, settings: Configured) -> Response:
    try:
        submission = await anew.find(session, settings, token)
    except LinkDamaged:
        return await _not_whole(request, session, settings, token)
    if over := await _over(request, session, settings, submission):
        return over
    return await _page(request, session, submission)


@router.post("/confirm/{token}")
async def press(request: Request, token: str, session: Tx, settings: Configured) -> Response:
    """Send the letters that were on the page. If the supporter changed their sentence, or a
    country moved on meanwhile, show how they read now first: nobody sends what they have not
    seen."""
    data = await request.form()  # the gate has read it, before the transaction began
    submission = await anew.find(session, settings, token)
    if over := await _over(request, session, settings, submission):
        return over
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


@router.post("/confirm/{token}/anew")
async def make_anew(request: Request, token: str, session: Tx, settings: Configured) -> Response:
    """The same words to the same offices, as they read today; on to the page with the button."""
    data = await request.form()  # the gate has read it, before the transaction began
    submission = await anew.find(session, settings, token)
    if not anew.is_late(submission):
        return RedirectResponse(f"/confirm/{token}", 303)
    try:
        made = await anew.again(session, settings, submission, consent=bool(data.get("consent")))
    except FormRefused as refusal:
        return await _too_late(request, session, settings, submission, refusal)
    except Missing:  # what there was a moment ago cannot be written to any more
        return await _too_late(request, session, settings, submission)
    return RedirectResponse(f"/confirm/{link_token(settings, CONFIRM, made.public_id)}", 303)


@router.get("/confirm/{token}/anew")
async def anew_again(token: str) -> Response:
    """Whoever reloads the page that asked for their consent finds it again."""
    return RedirectResponse(f"/confirm/{token}", 303)


async def _not_whole(
    request: Request, session: Reading, settings: Settings, token: str
) -> Response:
    """What can be done with a link that was cut: copy it again, or type the code."""
    look, found = "", await anew.of_damaged(session, token)
    if found:
        look = waiting.address(found.alert.slug, link_token(settings, LOOK, found.public_id))
    return pages.render(request, "confirm/not_whole.html", 404, look=look)


async def _over(
    request: Request, session: Reading, settings: Settings, submission: Submission
) -> Response | None:
    """Where a link leads that has nothing to confirm any more."""
    if submission.erased_at:
        seen = submission.alert.state in alerts.PUBLIC
        return pages.render(
            request, "confirm/forgotten.html", 410, alert=submission.alert, seen=seen
        )
    if submission.confirmed_at:
        return _to_letters(settings, submission)
    if anew.is_late(submission):
        return await _too_late(request, session, settings, submission)
    return None


async def _too_late(
    request: Request,
    session: Reading,
    settings: Settings,
    submission: Submission,
    refusal: FormRefused | None = None,
) -> Response:
    """These letters lapsed; one press makes them anew, where they still can go."""
    way = await anew.way(session, settings, submission)
    language = pages.reader_language(request)
    return pages.render(
        request,
        "confirm/too_late.html",
        422 if refusal else 410,
        alert=submission.alert,
        submission=submission,
        way=way,
        others=await anew.others(session, submission.alert) if way.why == "ended" else [],
        errors=forms.sentences(refusal.fields, language) if refusal else {},
    )


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
        rests=bool(await freezes.standing(session, "alert", submission.alert_id)),
        own_mailbox=own_mailbox.offer,
        changed=changed,
        own_words=submission.own_words if typed is None else typed,
        errors=forms.sentences(refusal.fields, language) if refusal else {},
    )


def _to_letters(settings: Settings, submission: Submission) -> Response:
    token = link_token(settings, LETTERS, submission.public_id)
    return RedirectResponse(f"/letters/{token}", 303)
