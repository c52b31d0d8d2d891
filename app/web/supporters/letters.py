"""What became of my letters: each in plain words, with its receipt; withdraw what has not left."""

from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from starlette.responses import RedirectResponse, Response

from app import clock
from app.errors import Missing
from app.letters import own
from app.models import Alert
from app.reporting import departures, receipts
from app.web import pages
from app.web.gate import Configured, Reading, Tx
from app.web.looks import moments
from app.wording.language import translated

router = APIRouter(include_in_schema=False)

LARGEST = 2**53


@router.get("/letters/{token}")
async def show(request: Request, token: str, session: Reading, settings: Configured) -> Response:
    submission = await own.by_token(session, settings, token)
    lines = await receipts.of_submission(session, submission.id)
    return pages.render(
        request,
        "letters/letters.html",
        alert=submission.alert,
        submission=submission,
        lines=lines,
        leaving=await departures.of_submission(session, submission, settings),
        leaves=moments.leaves,
        now=clock.now(),
        token=token,
        names=_names(request, submission.alert),
        withdrawable=own.CAN_BE_WITHDRAWN,
    )


@router.get("/letters/{token}/receipts/{letter_id}")
async def receipt(
    request: Request,
    token: str,
    letter_id: Annotated[int, Path(le=LARGEST)],
    session: Reading,
    settings: Configured,
) -> Response:
    """One letter and all that is known of it, made for paper."""
    submission = await own.by_token(session, settings, token)
    found = await receipts.of_letter(session, letter_id)
    if found.submission_id != submission.id:
        raise Missing("letter")
    return pages.render(
        request,
        "letters/receipt.html",
        alert=submission.alert,
        receipt=found,
        line=found.line,
        token=token,
        names=_names(request, submission.alert),
        now=clock.now(),
    )


@router.post("/letters/{token}/withdraw")
async def withdraw(
    token: str, letter: Annotated[int, Form(le=LARGEST)], session: Tx, settings: Configured
) -> Response:
    submission = await own.by_token(session, settings, token)
    await own.withdraw(session, submission, letter)
    return RedirectResponse(f"/letters/{token}?done=withdrawn", 303)


def _names(request: Request, alert: Alert) -> dict[str, str]:
    """What the reader calls the alert's countries."""
    words = translated.words(alert, pages.reader_language(request))
    return {one.country: words.country_name(one) for one in alert.countries}
