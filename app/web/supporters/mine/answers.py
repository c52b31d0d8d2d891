"""“They answered”: a supporter tells it of a letter that left; yes or no, and no text."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from app.errors import FormRefused
from app.languages import marked, translations
from app.letters import own
from app.letters.told import answers
from app.web import pages
from app.web.gate import Configured, Tx
from app.web.supporters.mine import page

router = APIRouter(include_in_schema=False)

LARGEST = 2**53
SENTENCES = {
    "not_a_day": marked(
        "This is not a day we can read. Write it as 2026-03-18, or leave it empty."
    ),
    "to_come": marked("This day is still to come. Which day did they answer?"),
    "before_it_left": marked(
        "On this day your letter had not left yet. Which day did they answer?"
    ),
}


@router.post("/letters/{token}/answer")
async def tell(
    request: Request,
    token: str,
    letter: Annotated[int, Form(le=LARGEST)],
    session: Tx,
    settings: Configured,
    said: Annotated[str, Form()] = "",
    on: Annotated[str, Form()] = "",
) -> Response:
    """`said`: yes, no, or nothing, which takes back what was told."""
    submission = await own.by_token(session, settings, token)
    try:
        if said in {"yes", "no"}:
            answered = said == "yes"
            day = _day(on) if answered else None
            await answers.tell(session, submission, letter, answered=answered, on=day)
        else:
            await answers.take_back(session, submission, letter)
    except FormRefused as refusal:
        sentence = SENTENCES[refusal.fields["on"]]
        language = pages.reader_language(request)
        wrong = {
            "letter": letter,
            "sentence": translations(language).gettext(sentence),
            "on": on[:40],
        }
        return await page.show(
            request, session, settings, submission, token, status=422, wrong=wrong
        )
    done = "told" if said in {"yes", "no"} else "untold"
    return RedirectResponse(f"/letters/{token}?done={done}#letter-{letter}", 303)


def _day(typed: str) -> date | None:
    """Raises FormRefused for what is no day."""
    if not typed.strip():
        return None
    try:
        return date.fromisoformat(typed.strip())
    except ValueError:
        raise FormRefused({"on": "not_a_day"}) from None
