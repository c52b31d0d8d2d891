"""How the letters stand now, for a page that is open: the part of it that changes."""

from hashlib import sha256

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.letters import own
from app.web import pages
from app.web.gate import Configured, Reading
from app.web.supporters.mine import page

router = APIRouter(include_in_schema=False)


@router.get("/letters/{token}/live")
async def show(request: Request, token: str, session: Reading, settings: Configured) -> Response:
    """304 while nothing has changed: a page that looks so often shall cost its reader little."""
    submission = await own.by_token(session, settings, token)
    context = await page.letters(request, session, settings, submission, token)
    answer = pages.render(request, "letters/list.html", **context)
    etag = f'"{sha256(bytes(answer.body)).hexdigest()[:24]}"'
    if request.headers.get("if-none-match", "").removeprefix("W/") == etag:
        return Response(status_code=304, headers={"ETag": etag})
    answer.headers["ETag"] = etag
    return answer
