"""“Never write to me again”, from a link in our mail: the page says what will go, and its button
does it. A mail program that offers it presses the same button (RFC 8058)."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.campaigns import alerts
from app.letters.asking import stopping
from app.models import Submission
from app.settings import STAYS_HERE, TO_THE_WRITER
from app.web import pages
from app.web.gate import Configured, Reading, Tx

router = APIRouter(include_in_schema=False)


@router.get("/stop/{token}")
async def show(request: Request, token: str, session: Reading, settings: Configured) -> Response:
    submission = await stopping.find(session, settings, token)
    if submission.erased_at or await stopping.is_done(session, settings, submission):
        return await _done(request, session, settings, submission)
    return pages.render(request, "confirm/stop.html", **_told(submission))


@router.post("/stop/{token}")
async def stop(request: Request, token: str, session: Tx, settings: Configured) -> Response:
    """Answered here: a mail program follows no redirect (RFC 8058 3.1)."""
    submission = await stopping.find(session, settings, token)
    await stopping.stop(session, settings, submission)
    await session.refresh(submission)
    return await _done(request, session, settings, submission)


async def _done(
    request: Request, session: Reading, settings: Configured, submission: Submission
) -> Response:
    """A form may have been erased before; then nobody knows any more whose address it was."""
    if not await stopping.is_done(session, settings, submission):
        seen = submission.alert.state in alerts.PUBLIC
        return pages.render(
            request, "confirm/forgotten.html", 410, alert=submission.alert, seen=seen
        )
    return pages.render(request, "confirm/stopped.html", **_told(submission))


def _told(submission: Submission) -> dict[str, Any]:
    """`leave`: its confirmed letters go on all the same; those that would come to the address that
    stopped us are called off."""
    return {
        "submission": submission,
        "practice": submission.delivery in STAYS_HERE,
        "leave": submission.delivery not in TO_THE_WRITER,
    }
