"""What became of my letters: each with its status in plain words; withdraw what has not left."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from app.letters import own
from app.reporting import receipts
from app.web import pages
from app.web.gate import Configured, Reading, Tx

router = APIRouter(include_in_schema=False)


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
        token=token,
        names={one.country: one.name for one in submission.alert.countries},
        withdrawable=own.CAN_BE_WITHDRAWN,
    )


@router.post("/letters/{token}/withdraw")
async def withdraw(
    token: str, letter: Annotated[int, Form(le=2**53)], session: Tx, settings: Configured
) -> Response:
    submission = await own.by_token(session, settings, token)
    await own.withdraw(session, submission, letter)
    return RedirectResponse(f"/letters/{token}?done=withdrawn", 303)
