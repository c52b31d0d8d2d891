"""“Send the same”: a further country, with the same words, from the page of one's letters."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.responses import RedirectResponse, Response

from app.letters import own
from app.letters.mine import further
from app.tokens import CONFIRM, link_token
from app.web.gate import Configured, Tx, throttle

router = APIRouter(include_in_schema=False)


@router.post("/letters/{token}/further", dependencies=[Depends(throttle("form"))])
async def write(
    token: str, country: Annotated[str, Form()], session: Tx, settings: Configured
) -> Response:
    """To the page that shows the letter and has the button: their address is proven already."""
    submission = await own.by_token(session, settings, token)
    made = await further.write(session, settings, submission, country)
    return RedirectResponse(f"/confirm/{link_token(settings, CONFIRM, made.public_id)}", 303)
