"""The page of somebody's letters: what it shows, for all the routes that show it."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from app import clock
from app.campaigns import alerts
from app.letters import own
from app.letters.mine import further
from app.letters.told import answers
from app.models import Alert, AlertState, Submission
from app.outbox import queue
from app.reporting import departures, receipts
from app.settings import Settings
from app.web import pages
from app.web.looks import moments
from app.web.supporters.mine import way
from app.wording import sharing
from app.wording.language import translated


async def show(
    request: Request,
    session: AsyncSession,
    settings: Settings,
    submission: Submission,
    token: str,
    *,
    status: int = 200,
    wrong: Mapping[str, Any] | None = None,
) -> Response:
    """The whole page. `wrong`: letter, sentence and typed day of an answer that was refused."""
    context = await letters(request, session, settings, submission, token)
    return pages.render(
        request,
        "letters/letters.html",
        status,
        **context | {"wrong": wrong or {}},
        further=await further.countries(session, settings, submission),
        **await _passing_on(request, session, settings, submission),
    )


async def letters(
    request: Request,
    session: AsyncSession,
    settings: Settings,
    submission: Submission,
    token: str,
) -> dict[str, Any]:
    """The part of it that changes while one looks: `letters/list.html`."""
    alert, now, language = submission.alert, clock.now(), pages.reader_language(request)
    lines = await receipts.of_submission(session, submission.id)
    leaving = await departures.of_submission(session, submission, settings)
    told = await answers.of_submission(session, submission.id)
    whole = way.of_letters(
        lines,
        leaving,
        told,
        delivery=submission.delivery,
        now=now,
        zone=alert.timezone,
        language=language,
    )
    return {
        "alert": alert,
        "submission": submission,
        "token": token,
        "lines": lines,
        "leaving": leaving,
        "leaves": moments.leaves,
        "told": told,
        "way": whole,
        "now": now,
        "today": now.astimezone(answers.LATEST).date(),
        "names": names(request, alert),
        "withdrawable": own.CAN_BE_WITHDRAWN,
        "answerable": queue.SENT,
        "wrong": {},
    }


def names(request: Request, alert: Alert) -> dict[str, str]:
    """What the reader calls the alert's countries."""
    words = translated.words(alert, pages.reader_language(request))
    return {one.country: words.country_name(one) for one in alert.countries}


async def _passing_on(
    request: Request, session: AsyncSession, settings: Settings, submission: Submission
) -> dict[str, Any]:
    """What somebody whose letters are on their way can do besides."""
    alert, language = submission.alert, pages.reader_language(request)
    if not submission.confirmed_at or alert.state != AlertState.PUBLISHED:
        return {"shared": [], "guide": None, "guide_texts": []}
    words = translated.words(alert, language)
    ended = bool(alerts.ended_at(alert))
    guide = await alerts.guide_of_campaign(session, alert)
    texts: list[dict[str, Any]] = []
    if guide:
        guided = translated.words(guide, language)
        texts = sharing.guide_texts(guided, alert, settings.public_url)
    return {
        "shared": sharing.texts(words, settings.public_url, ended=ended),
        "guide": guide,
        "guide_texts": texts,
    }
