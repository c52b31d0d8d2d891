"""What became of my letters: each in plain words, with its receipt; withdraw what has not left."""

from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from starlette.responses import RedirectResponse, Response

from app import clock
from app.errors import Missing
from app.letters import own
from app.reporting import receipts
from app.web import pages
from app.web.gate import Configured, Reading, Tx
from app.web.supporters.mine import page

router = APIRouter(include_in_schema=False)

LARGEST = 2**53


@router.get("/letters/{token}")
async def show(request: Request, token: str, session: Reading, settings: Configured) -> Response:
    submission = await own.by_token(session, settings, token)
    return await page.show(request, session, settings, submission, token)


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
        names=page.names(request, submission.alert),
        now=clock.now(),
    )


@router.post("/letters/{token}/withdraw")
async def withdraw(
    token: str, letter: Annotated[int, Form(le=LARGEST)], session: Tx, settings: Configured
) -> Response:
    submission = await own.by_token(session, settings, token)
    await own.withdraw(session, submission, letter)
    return RedirectResponse(f"/letters/{token}?done=withdrawn", 303)
