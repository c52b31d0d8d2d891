"""A contact file: uploaded, read in the background, compared, and taken when its page was seen."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Query, Request, Response, UploadFile
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse

from app import audit
from app.contacts import uploads
from app.contacts.comparing import Comparison
from app.contacts.files import writing
from app.contacts.files.columns import NAMES
from app.contacts.files.reading import LARGEST_FILE
from app.models import ContactImport, Role
from app.web import gate
from app.web.organisers.contacts import background, comparisons
from app.web.organisers.contacts.directory import CONTACTS, LARGEST_PAGE
from app.web.organisers.contacts.offices import Changing, Id, let_go, posted
from app.web.pages import render

IMPORTS = f"{CONTACTS}/imports"
LOOK_AGAIN = "2"  # seconds; a file takes a few
FIRST, PER_PAGE = 20, 100  # of each kind on the first page, and on a page of its own

router = APIRouter(prefix=IMPORTS, include_in_schema=False, dependencies=[Depends(gate.signed_in)])


@dataclass(frozen=True)
class Part:
    """Some of what would be added, changed or retired, or was refused; and how many there are."""

    things: list[Any]
    total: int
    page: int = 1

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PER_PAGE))


@router.get("")
async def all_of_us(request: Request, session: gate.Reading, organiser: Changing) -> Response:
    return await _form(request, session, organiser.organisation_id)


@router.post("", dependencies=posted)
async def upload(
    request: Request,
    session: gate.Tx,
    settings: gate.Configured,
    organiser: Changing,
    file: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """The file's row is there before anybody looks into the file."""
    if file is None or not file.size:
        return await _form(request, session, organiser.organisation_id, fault="missing")
    if file.size > LARGEST_FILE:
        return await _form(request, session, organiser.organisation_id, fault="too_large")
    made = await uploads.begin(session, organiser, file.filename or "")
    data = await file.read()
    database = request.app.state.database
    task = BackgroundTask(background.read, database, settings, made.id, made.file_name, data)
    return RedirectResponse(f"{IMPORTS}/{made.id}", 303, background=task)


@router.get("/{import_id}")
async def show(
    request: Request,
    session: gate.Reading,
    organiser: gate.Us,
    import_id: Id,
    part: Annotated[str, Query(max_length=10)] = "",
    page: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 1,
) -> Response:
    """How far it is; then what taking it would do."""
    kept = await uploads.find(session, import_id, organisation_id=organiser.organisation_id)
    return await _show(request, session, organiser, kept, part=part, page=page)


@router.post("/{import_id}/take", dependencies=posted)
async def take(
    request: Request,
    session: gate.Tx,
    organiser: Changing,
    import_id: Id,
    seen: Annotated[str, Form()] = "",
    retire: Annotated[str, Form()] = "",
) -> Response:
    """Written whole, if the directory still is as it was shown; else shown anew."""
    kept = await uploads.find(
        session, import_id, organisation_id=organiser.organisation_id, lock=True
    )
    if kept.written_at or kept.fault or not kept.ready_at:
        return _back(import_id)
    found = await uploads.compare(session, import_id)
    if found.seal != seen:
        await comparisons.keep(request.app, session, import_id, found)
        return await _show(request, session, organiser, kept, status=409, anew=True)
    by = organiser.email
    done = await uploads.take(session, kept, found, retire=bool(retire), by=by)
    await let_go(session, found.gone(retire=bool(retire)), by=by)
    sentence = f"Took the contact file “{kept.file_name}” (import {import_id}): {done}"
    await audit.note(session, by, sentence)
    return _back(import_id, "?done=taken")


@router.get("/{import_id}/refused.csv")
async def refused(session: gate.Reading, organiser: gate.Us, import_id: Id) -> Response:
    kept = await uploads.find(session, import_id, organisation_id=organiser.organisation_id)
    headers = {"Content-Disposition": f'attachment; filename="refused-{import_id}.csv"'}
    content = writing.refused_as_csv(uploads.refused_of(kept))
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


async def _form(
    request: Request, session: gate.Reading, organisation_id: int, *, fault: str = ""
) -> Response:
    return render(
        request,
        "organise/contacts/imports.html",
        422 if fault else 200,
        recent=await uploads.recent(session, organisation_id=organisation_id),
        broken_off=uploads.broken_off,
        fault=fault,
        columns=NAMES,
    )


async def _show(
    request: Request,
    session: gate.Reading,
    organiser: gate.Us,
    kept: ContactImport,
    *,
    part: str = "",
    page: int = 1,
    status: int = 200,
    anew: bool = False,
) -> Response:
    open_to_take = bool(kept.ready_at) and not kept.fault and not kept.written_at
    found = Comparison((), (), (), 0)
    if open_to_take:
        found = await comparisons.of(request.app, session, kept.id)
    about = f"(import {kept.id})"
    running = not kept.ready_at and not uploads.broken_off(kept)
    answer = render(
        request,
        "organise/contacts/import.html",
        status,
        kept=kept,
        found=found,
        open_to_take=open_to_take,
        parts_of=_parts(found, uploads.refused_of(kept), part, page),
        part=part,
        notes=uploads.notes_of(kept),
        running=running,
        broken_off=uploads.broken_off(kept),
        taken=await audit.lines(session, organiser.organisation_id, about=about, limit=1),
        anew=anew,
        may_change=gate.covers(organiser, Role.ORGANISER),
        here=f"{IMPORTS}/{kept.id}",
        first=FIRST,
    )
    if running:  # the browser looks again by itself, with or without scripts
        answer.headers["Refresh"] = LOOK_AGAIN
    return answer


def _parts(
    found: Comparison, refused: list[dict[str, Any]], chosen: str, page: int
) -> dict[str, Part]:
    """The first of each kind; of the chosen one a page."""
    whole: dict[str, list[Any]] = {
        "changed": list(found.changed),
        "added": list(found.added),
        "retired": list(found.retired),
        "refused": refused,
    }
    if chosen not in whole:
        return {name: Part(things[:FIRST], len(things)) for name, things in whole.items()}
    things = whole[chosen]
    number = min(page, Part([], len(things)).pages)
    begin = (number - 1) * PER_PAGE
    return {chosen: Part(things[begin : begin + PER_PAGE], len(things), number)}


def _back(import_id: int, query: str = "") -> Response:
    return RedirectResponse(f"{IMPORTS}/{import_id}{query}", 303)
