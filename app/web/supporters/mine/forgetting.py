"""“Forget me”: the page says what will go; only its button does it."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from app.errors import Missing
from app.letters import own
from app.letters.mine import forgetting
from app.tokens import LETTERS, read_token
from app.web import pages
from app.web.gate import Configured, Reading, Tx

router = APIRouter(include_in_schema=False)


@router.get("/letters/{token}/forget")
async def show(request: Request, token: str, session: Reading, settings: Configured) -> Response:
    submission = await own.by_token(session, settings, token)
    return pages.render(
        request,
        "letters/forget.html",
        alert=submission.alert,
        token=token,
        going=await forgetting.what_goes(session, settings, submission),
    )


@router.post("/letters/{token}/forget")
async def forget(token: str, session: Tx, settings: Configured) -> Response:
    """Pressed twice, or after all is gone: the same answer."""
    leaving = 0
    try:
        submission = await own.by_token(session, settings, token)
        leaving = await forgetting.forget(session, settings, submission)
    except Missing:
        read_token(settings, LETTERS, token)
    return RedirectResponse(f"/letters/{token}/forgotten{'?leaving=1' if leaving else ''}", 303)


@router.get("/letters/{token}/forgotten")
async def forgotten(request: Request, token: str, settings: Configured) -> Response:
    read_token(settings, LETTERS, token)
    leaving = "leaving" in request.query_params
    return pages.render(request, "letters/forgotten.html", leaving=leaving)
