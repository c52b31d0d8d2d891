"""A letter template in the browser: its fields, what is wrong with it, and another beside it."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse

from app import audit, clock
from app.campaigns.drafts import keeping
from app.campaigns.drafts.contents import LETTER
from app.campaigns.drafts.keeping import Draft, Section
from app.errors import Overtaken, TemplateBroken
from app.models import Organiser, Role
from app.web import gate
from app.web.organisers.alerts import find
from app.web.organisers.editor import letter_forms, letter_page
from app.web.organisers.editor.letter_forms import Typed
from app.web.organisers.editor.letter_page import Shown
from app.web.organisers.editor.page import SAID_AGAIN, TokenHolds
from app.web.pages import render
from app.wording import letter_fields
from app.wording.templates import LONGEST_SOURCE

router = APIRouter(
    prefix="/organise/alerts/{slug}/edit/letters",
    include_in_schema=False,
    dependencies=[Depends(gate.signed_in)],
)
Changing = Annotated[Organiser, Depends(gate.at_least(Role.ORGANISER))]


@router.get("/{name}")
async def show(
    request: Request, session: gate.Reading, organiser: gate.Us, slug: str, name: str
) -> Response:
    """The letter's form; one that nobody has written yet begins with a start or a copy."""
    draft = await _draft(session, organiser, slug, name)
    start = request.query_params.get("from", "")
    try:
        shown = Shown.of(draft, name, start)
    except TemplateBroken:
        return RedirectResponse(f"{_here(slug, name)}/file", 303)
    return await letter_page.answer(request, session, organiser, shown)


@router.post("/{name}")
async def save(
    request: Request,
    organiser: Changing,
    token_holds: TokenHolds,
    session: gate.Tx,
    slug: str,
    name: str,
) -> Response:
    """Keep the letter as it was typed; a script that saves by itself is answered in JSON."""
    draft = await _draft(session, organiser, slug, name)
    data = await request.form()  # read whole by the gate: FastAPI's own fields take a megabyte
    typed, version = letter_forms.read(data), _version(data)
    shown = Shown(draft, name, typed.fields, version=version, typed=typed)
    by_itself = "x-autosave" in request.headers
    if typed.faults:
        if by_itself:
            wrong = letter_page.errors(request, shown)
            posted = {typed.numbers.get(place, place): said for place, said in wrong.items()}
            return JSONResponse({"errors": posted}, 422)
        return await letter_page.answer(request, session, organiser, shown, status=422)
    if not token_holds:
        if by_itself:
            return JSONResponse({"form_token": request.state.sign_in.form_token}, 403)
        return await letter_page.answer(request, session, organiser, shown, status=403)
    if _only_looked_at(draft, name, typed, data):
        return RedirectResponse(f"{_here(slug, name)}?{_after(data, saved=False)}", 303)
    try:
        source = _unchanged(draft, name, typed) or typed.source
        kept = await _keep(session, organiser, draft, name, source, version)
    except Overtaken as fault:
        if by_itself:
            answer = {"by": fault.theirs.changed_by, "version": fault.theirs.version}
            return JSONResponse(answer, 409)
        shown = shown.overtaken(fault.theirs)
        return await letter_page.answer(request, session, organiser, shown, status=409)
    if not by_itself:
        return RedirectResponse(f"{_here(slug, name)}?{_after(data)}", 303)
    found = letter_page.told(shown)
    return JSONResponse({"version": kept.version, "found": [vars(one) for one in found]})


@router.get("/{name}/file")
async def show_file(
    request: Request, session: gate.Reading, organiser: gate.Us, slug: str, name: str
) -> Response:
    """The letter as the text it is kept as, for those who like it better so."""
    draft = await _draft(session, organiser, slug, name)
    section = draft.sections.get(f"{LETTER}{name}") or Section(f"{LETTER}{name}", {})
    source = _source(draft, name)
    return _file_page(request, organiser, draft, name, source, section.version)


@router.post("/{name}/file")
async def save_file(
    request: Request,
    organiser: Changing,
    token_holds: TokenHolds,
    session: gate.Tx,
    slug: str,
    name: str,
) -> Response:
    draft = await _draft(session, organiser, slug, name)
    data = await request.form()
    source, version = letter_fields.clean(str(data.get("source", ""))), _version(data)
    more: dict[str, Any] = {"too_long": len(source) > LONGEST_SOURCE}
    if more["too_long"] or not token_holds:
        status = 422 if more["too_long"] else 403
        page = (request, organiser, draft, name, source, version)
        return _file_page(*page, status=status, again=not token_holds, **more)
    try:
        await _keep(session, organiser, draft, name, source, version)
    except Overtaken as fault:
        page = (request, organiser, draft, name, source, fault.theirs.version)
        return _file_page(*page, status=409, theirs=fault.theirs)
    return RedirectResponse(f"{_here(slug, name)}/file?saved=letter", 303)


@router.get("/{name}/download")
async def download(session: gate.Reading, organiser: gate.Us, slug: str, name: str) -> Response:
    draft = await _draft(session, organiser, slug, name)
    source = _source(draft, name)
    headers = {"Content-Disposition": f'attachment; filename="{name}.txt"'}
    return PlainTextResponse(source, headers=headers)


@router.post("/{name}/remove", dependencies=[Depends(gate.form_token)])
async def remove(
    request: Request, session: gate.Tx, organiser: Changing, slug: str, name: str
) -> Response:
    """Take the letter out of the draft; what is public stays until the draft is published."""
    draft = await _draft(session, organiser, slug, name)
    section = f"{LETTER}{name}"
    version = _version(await request.form())
    await keeping.remove(session, draft.alert, section, version=version, by=organiser.email)
    if section in draft.sections:
        sentence = f"Took the letter {name} out of the draft of “{slug}”"
        await audit.note(
            session,
            organiser.email,
            sentence,
            organisation_id=organiser.organisation_id,
        )
    return RedirectResponse(f"/organise/alerts/{slug}/edit#letters", 303)


async def _draft(session: AsyncSession, organiser: Organiser, slug: str, name: str) -> Draft:
    letter_page.parts(name)
    return await keeping.read(session, await find(session, organiser, slug))


async def _keep(
    session: AsyncSession, organiser: Organiser, draft: Draft, name: str, source: str, version: int
) -> Section:
    """Raises Overtaken. Whoever goes on writing is put on record once an hour."""
    section = f"{LETTER}{name}"
    before = draft.sections.get(section)
    kept = await keeping.save(
        session, draft.alert, section, {"source": source}, version=version, by=organiser.email
    )
    if (before is None or kept.version != before.version) and _is_news(before, organiser):
        sentence = f"Wrote at the draft of “{draft.alert.slug}”: letter {name}"
        await audit.note(
            session, organiser.email, sentence, organisation_id=organiser.organisation_id
        )
    return kept


def _source(draft: Draft, name: str) -> str:
    """The letter's text, also when somebody has emptied it; one nobody has written is a start."""
    return draft.letters[name] if name in draft.letters else Shown.of(draft, name).source


def _unchanged(draft: Draft, name: str, typed: Typed) -> str:
    """The text as it stands where nothing else was typed: one written by hand may have comments,
    and an order of its own."""
    standing = draft.letters.get(name, "")
    try:
        same = bool(standing) and letter_fields.read(standing) == typed.fields
    except TemplateBroken:
        return ""
    return standing if same else ""


def _is_news(before: Section | None, organiser: Organiser) -> bool:
    if before is None or before.changed_at is None or before.changed_by != organiser.email:
        return True
    return (clock.now() - before.changed_at).total_seconds() > SAID_AGAIN


def _file_page(
    request: Request,
    organiser: Organiser,
    draft: Draft,
    name: str,
    source: str,
    version: int,
    status: int = 200,
    **more: Any,
) -> Response:
    found = [] if more.get("too_long") else letter_page.findings(draft, name, source)
    context = {"too_long": False, "again": False, "theirs": None} | more
    return render(
        request,
        "organise/editor/letter_file.html",
        status,
        alert=draft.alert,
        letter=name,
        source=source,
        version=version,
        found=sorted(found, key=lambda one: not one.serious),
        most=LONGEST_SOURCE,
        saved=request.query_params.get("saved", ""),
        may_change=gate.covers(organiser, Role.ORGANISER),
        **context,
    )


def _here(slug: str, name: str) -> str:
    return f"/organise/alerts/{slug}/edit/letters/{name}"


def _only_looked_at(draft: Draft, name: str, typed: Typed, data: FormData) -> bool:
    """Whether another letter is asked for beside a start that nobody has changed: to look is not
    to keep it."""
    if "show" not in data or f"{LETTER}{name}" in draft.sections:
        return False
    try:
        start = Shown.of(draft, name, str(data.get("from", ""))).fields
    except TemplateBroken:
        return False
    return typed.fields == letter_fields.tidied(start)


def _after(data: FormData, *, saved: bool = True) -> str:
    """What the page shows next: the letter beside it that was chosen, the points of a filter."""
    beside, start = str(data.get("beside", "")), str(data.get("from", ""))
    asked = {"saved": "letter"} if saved else {}
    if beside:
        asked["beside"] = beside[:20]
    if start and not saved:
        asked["from"] = start[:20]
    if data.get("show") == "score":
        asked["score"] = "1"
    return urlencode(asked)


def _version(data: FormData) -> int:
    text = str(data.get("version", ""))
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdecimal() and len(digits) < 12 else 0
