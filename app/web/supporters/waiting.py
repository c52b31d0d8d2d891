"""After the form: look in your mail. Here the code is typed, and the message asked for again.

The page is opened by a token that opens nothing else: whoever filled in a form knows only that.
"""

import math

from fastapi import APIRouter, Depends, Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from app.errors import FormRefused, Missing, TooMany
from app.languages import marked, translations
from app.letters import form as filled
from app.letters import submission as submissions
from app.letters.asking import codes, slips
from app.letters.form import Form
from app.letters.words.refused import Refused
from app.models import Alert, Submission
from app.outbox import notices
from app.settings import Settings
from app.tokens import CONFIRM, LOOK, link_token, read_token
from app.web import armour, forms, pages
from app.web.gate import Configured, Reading, Tx, throttle
from app.web.supporters import rehearsal

HERE = "/alerts/{slug}/look-in-your-mail"
TOO_MANY_CODES = marked(
    "So many codes were tried that this page takes no more for now. The link in the message still "
    "works; a code can be tried again in %(minutes)s minutes."
)

router = APIRouter(include_in_schema=False)


async def take(
    request: Request, session: AsyncSession, settings: Settings, alert: Alert, data: FormData
) -> str:
    """Take a posted form; gives the token of this page, of the same kind for every address, and
    for a machine that was caught. Raises FormRefused and what `submission.submit` raises."""
    if forms.is_caught(data):
        return link_token(settings, LOOK, submissions.new_id())
    form = forms.read(data, language=pages.reader_language(request))
    _look_twice(alert, form)
    taken = await submissions.submit(session, settings, alert, form)
    return link_token(settings, LOOK, taken.submission.public_id)


def _look_twice(alert: Alert, form: Form) -> None:
    """Raises FormRefused for an address that looks mistyped, the first time it is sent."""
    domain = slips.meant(form.email)
    if not domain or form.email == form.email_as_is:
        return
    faults: dict[str, str] = {"email": Refused("slip", domain)}
    try:
        filled.checked(form, alert.refused_words)
    except FormRefused as refusal:  # all that is to be said, at once
        faults |= refusal.fields
    raise FormRefused(faults)


def address(slug: str, token: str) -> str:
    return f"{HERE.format(slug=slug)}?for={token}"


@router.get(HERE)
async def show(request: Request, slug: str, session: Reading, settings: Configured) -> Response:
    alert = await rehearsal.with_form(request, session, settings, slug)
    submission = await _submission(request, session, settings, alert)
    return _page(request, settings, alert, submission)


@router.post(HERE, dependencies=[Depends(throttle("form"))])
async def type_code(request: Request, slug: str, session: Tx, settings: Configured) -> Response:
    """The code instead of the link: it opens the page with the letters and their button."""
    data = await request.form()  # the gate has read it, before the transaction began
    alert = await rehearsal.with_form(request, session, settings, slug)
    submission = await _submission(request, session, settings, alert)
    typed = str(data.get("code", ""))
    try:
        await codes.check(session, settings, submission, typed)
    except FormRefused as refusal:
        language = pages.reader_language(request)
        fault = forms.sentences(refusal.fields, language)["code"]
        return _page(request, settings, alert, submission, 422, typed=typed, fault=fault)
    except TooMany as refusal:
        return _page(
            request, settings, alert, submission, 429, typed=typed, fault=_wait(request, refusal)
        )
    assert submission is not None
    return RedirectResponse(f"/confirm/{link_token(settings, CONFIRM, submission.public_id)}", 303)


@router.post(f"{HERE}/again", dependencies=[Depends(throttle("form"))])
async def send_again(request: Request, slug: str, session: Tx, settings: Configured) -> Response:
    """The message once more, if it may be; the answer does not tell."""
    alert = await rehearsal.with_form(request, session, settings, slug)
    submission = await _submission(request, session, settings, alert)
    if submission is not None and codes.is_waiting(submission):
        await notices.ask_again(session, submission, mail_domain=settings.mail_domain)
    token = request.query_params.get("for", "")
    return RedirectResponse(f"{address(slug, token)}&done=again", 303)


async def _submission(
    request: Request, session: AsyncSession, settings: Settings, alert: Alert
) -> Submission | None:
    """What the page's token is for; None when that is nothing."""
    if not token_of(request, settings):
        return None
    public_id = read_token(settings, LOOK, request.query_params["for"])
    return await session.scalar(
        select(Submission).where(
            Submission.public_id == public_id,
            Submission.alert_id == alert.id,
            Submission.erased_at.is_(None),
        )
    )


def token_of(request: Request, settings: Settings) -> str:
    """The page's token as its address has it; empty when it is none of ours."""
    token = request.query_params.get("for", "")
    try:
        return token if read_token(settings, LOOK, token) else ""
    except Missing:
        return ""


def _page(
    request: Request,
    settings: Settings,
    alert: Alert,
    submission: Submission | None,
    status: int = 200,
    *,
    typed: str = "",
    fault: str = "",
) -> Response:
    token = token_of(request, settings)
    page = pages.render(
        request,
        "alerts/look_in_your_mail.html",
        status,
        alert=alert,
        token=token,
        wrote_to=_masked(submission.email) if submission else "",
        typed=typed,
        fault=fault,
    )
    response = rehearsal.marked(request, page, alert)
    if token:
        response.headers.update(armour.PRIVATE)
    return response


def _masked(email: str) -> str:
    """Enough to see a slip of the finger at either end, too little to write to."""
    local, _, domain = email.rpartition("@")
    shown = 2 if len(local) > 5 else 1
    end = local[-shown:] if len(local) > 2 else ""
    return f"{local[:shown]}…{end}@{domain}"


def _wait(request: Request, refusal: TooMany) -> str:
    said = translations(pages.reader_language(request)).gettext(TOO_MANY_CODES)
    return said % {"minutes": max(1, math.ceil(refusal.retry_after / 60))}
