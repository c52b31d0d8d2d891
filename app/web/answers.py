"""What goes wrong becomes an answer: a page for a person, problem+json (RFC 9457) for a program."""

import math
import traceback
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from app import errors, languages
from app.web import armour, pages, problems
from app.web.organisers.people import kept as carrying
from app.web.organisers.people.kept import Kept

OVER = (404, 405, 410)  # the same form sent again would end so again
NOT_TEXT = "22021"  # character_not_in_repertoire: what PostgreSQL says of a zero byte

log = structlog.get_logger("problems")


def install(app: FastAPI) -> None:
    """Give every way of failing its answer."""
    app.add_exception_handler(errors.Refusal, refused)
    app.add_exception_handler(HTTPException, not_served)
    app.add_exception_handler(RequestValidationError, not_understood)
    for failure in (SQLAlchemyError, ConnectionError, TimeoutError):
        app.add_exception_handler(failure, database_failed)
    app.add_exception_handler(UnicodeEncodeError, not_text)
    app.add_exception_handler(Exception, surprised)


async def refused(request: Request, error: Exception) -> Response:
    kinds = type(error).__mro__
    problem = next(problems.REFUSALS[kind] for kind in kinds if kind in problems.REFUSALS)
    if isinstance(error, errors.NotSignedIn) and _is_page(request) and request.method == "GET":
        return RedirectResponse(f"/organise/sign-in?{urlencode({'next': _here(request)})}", 303)
    fields = error.fields if isinstance(error, errors.FormRefused) else None
    response = await _answer(request, problem, type(error), fields=fields, error=error)
    if isinstance(error, errors.TooMany):
        response.headers["Retry-After"] = str(math.ceil(error.retry_after))
    if isinstance(error, errors.TokenRefused):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


async def not_served(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    unknown = replace(problems.STATUSES[422], status=error.status_code)
    response = await _answer(request, problems.STATUSES.get(error.status_code, unknown))
    response.headers.update(error.headers or {})
    return response


async def not_understood(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    if any(fault["loc"][0] == "path" for fault in faults):
        return await _answer(request, problems.STATUSES[404])
    fields = {".".join(str(part) for part in fault["loc"][1:]): fault["msg"] for fault in faults}
    return await _answer(request, problems.STATUSES[422], fields=fields)


async def not_text(request: Request, error: Exception) -> Response:
    """A zero byte or half a character, which no keyboard types and no table takes."""
    return await _answer(request, problems.STATUSES[422])


async def database_failed(request: Request, error: Exception) -> Response:
    if _is_not_text(error):
        return await not_text(request, error)
    # not the whole error: its parameters are what a person typed
    log.error(
        "the database failed",
        path=armour.masked(request.url.path),
        said=str(error).partition("\n")[0],
        where="".join(traceback.format_tb(error.__traceback__)),
    )
    problem = problems.NOT_READ if request.method in {"GET", "HEAD"} else problems.NOT_SAVED
    response = await _answer(request, problem)
    response.headers["Retry-After"] = "5"
    return response


def _is_not_text(error: BaseException | None) -> bool:
    """Whether the database, or what speaks to it, could not take a sign of what was typed."""
    if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") == NOT_TEXT:
        return True
    return error is not None and (
        isinstance(error, UnicodeEncodeError) or _is_not_text(error.__cause__ or error.__context__)
    )


async def surprised(request: Request, error: Exception) -> Response:
    """Answers from outside the other layers, so it brings the headers they would have added."""
    response = await _answer(request, problems.SURPRISE)
    response.headers.update(armour.HEADERS)
    return response


async def _answer(
    request: Request,
    problem: problems.Problem,
    kind: type[Exception] | None = None,
    *,
    fields: dict[str, str] | None = None,
    error: Exception | None = None,
) -> Response:
    language = pages.reader_language(request)
    translate = languages.translations(language).gettext
    sentence = translate(problem.sentence)
    if error is not None:
        sentence %= _facts(error, language)
    if not _is_page(request):
        return _as_json(problem.status, kind, translate(problem.title), sentence, fields)
    kept = await _kept(request)
    signed_out = kind is errors.NotSignedIn
    return pages.render(
        request,
        "problem.html",
        problem.status,
        title=translate(problem.title),
        sentence=sentence,
        fields=fields or {},
        missing=problem.status == 404,
        can_succeed=problem.status not in OVER and kind is not errors.OwnMailboxOnly,
        kept=kept.fields,
        files=kept.files,
        resume=kept.packed() if signed_out else "",
        signed_out=signed_out,
        outdated=kind is errors.FormOutdated,
        here=kept.to,
        multipart=kept.multipart,
    )


def _as_json(
    status: int,
    kind: type[Exception] | None,
    title: str,
    detail: str,
    fields: dict[str, str] | None,
) -> Response:
    body: dict[str, Any] = {
        "type": f"/docs#{problems.slug(kind)}" if kind else "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
    }
    if fields is not None:
        body["fields"] = fields
    return JSONResponse(body, status, media_type="application/problem+json")


def _facts(error: Exception, language: str) -> dict[str, str]:
    """What a sentence may name."""
    facts = {"said": str(error)} | {name: str(value) for name, value in vars(error).items()}
    if isinstance(error, errors.TooMany):
        facts["minutes"] = str(max(1, math.ceil(error.retry_after / 60)))
    if isinstance(error, errors.AlertNotOpen):
        facts["opens_on"] = pages.day(error.opens_at, language)
    return facts


async def _kept(request: Request) -> Kept:
    """The text of the form that could not be saved, in its order, without passwords."""
    form = FormData()
    if request.method == "POST":
        # it may have been read before, and not as a form
        with suppress(HTTPException, RuntimeError):
            form = await request.form(max_part_size=armour.LARGEST_UPLOAD)
    parts = request.headers.get("content-type", "").startswith("multipart/")
    return carrying.of(form, _here(request), multipart=parts)


def _is_page(request: Request) -> bool:
    return not request.url.path.startswith("/api/")


def _here(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
