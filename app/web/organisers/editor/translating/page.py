"""An alert in another language: a field beside each English text, kept as a part of the draft."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import JSONResponse, RedirectResponse

from app import audit, languages
from app.campaigns.drafts import assembling, keeping, translating
from app.campaigns.drafts.contents import translation_name
from app.campaigns.drafts.keeping import Draft, Section
from app.campaigns.other_languages import texts
from app.errors import Missing, Overtaken
from app.models import Organiser, Role
from app.web import gate
from app.web.organisers.alerts import find
from app.web.organisers.editor import differences
from app.web.organisers.editor.page import TOO_LONG, TokenHolds, is_news, number
from app.web.organisers.editor.translating import rows
from app.web.pages import render

router = APIRouter(
    prefix="/organise/alerts/{slug}/edit/languages",
    include_in_schema=False,
    dependencies=[Depends(gate.signed_in)],
)
Changing = Annotated[Organiser, Depends(gate.at_least(Role.ORGANISER))]


@dataclass(frozen=True)
class Shown:
    """The page in the making. `unsaved`: what stands in the fields was not taken; `theirs`: what
    somebody else saved meanwhile."""

    draft: Draft
    tables: dict[str, Any]
    language: str
    section: Section
    errors: dict[str, str]
    unsaved: bool = False
    theirs: Section | None = None

    @property
    def apart(self) -> list[differences.Difference]:
        return differences.between(self.theirs.content, self.section.content) if self.theirs else []


@router.get("/{language}")
async def show(
    request: Request, session: gate.Reading, organiser: gate.Us, slug: str, language: str
) -> Response:
    return _page(request, organiser, await _shown(session, organiser, slug, language))


@router.post("/{language}")
async def save(
    request: Request,
    organiser: Changing,
    token_holds: TokenHolds,
    session: gate.Tx,
    slug: str,
    language: str,
) -> Response:
    """Keep the translation as it was typed; a script that saves by itself is answered in JSON."""
    shown = await _shown(session, organiser, slug, language)
    data = await request.form()
    before, version = shown.section, number(str(data.get("version", "")))
    typed = rows.read(data, texts.english(shown.tables), before.content)
    by_itself = "x-autosave" in request.headers
    given = replace(before, content=typed.content, version=version)
    errors = {place: TOO_LONG % {"most": one.most} for place, one in typed.faults.items()}
    shown = replace(shown, section=given, errors=errors, unsaved=True)
    if errors:
        return _json(422, errors=errors) if by_itself else _page(request, organiser, shown, 422)
    if not token_holds:
        token = request.state.sign_in.form_token
        return _json(403, form_token=token) if by_itself else _page(request, organiser, shown, 403)
    try:
        kept = await _keep(session, organiser, shown, before)
    except Overtaken as fault:
        theirs = fault.theirs
        if by_itself:
            return _json(409, by=theirs.changed_by or "Somebody", version=theirs.version)
        given = replace(given, version=theirs.version)
        return _page(request, organiser, replace(shown, section=given, theirs=theirs), 409)
    if by_itself:
        draft = await keeping.read(session, shown.draft.alert)
        notes = [one for one in _notes(replace(shown, draft=draft)) if one["serious"]]
        return _json(200, version=kept.version, faults={"languages": notes})
    return RedirectResponse(f"/organise/alerts/{slug}/edit/languages/{language}?saved=it", 303)


async def _shown(session: AsyncSession, organiser: Organiser, slug: str, language: str) -> Shown:
    """Raises Missing for a language that the pages do not speak and no pack has brought."""
    draft = await keeping.read(session, await find(session, organiser, slug))
    if language == languages.SOURCE or language not in {*languages.LANGUAGES, *draft.translations}:
        raise Missing("language", language)
    name = translation_name(language)
    section = draft.sections.get(name) or draft.removed.get(name) or Section(name, {})
    return Shown(draft, await assembling.tables(session, draft), language, section, {})


async def _keep(
    session: AsyncSession, organiser: Organiser, shown: Shown, before: Section
) -> Section:
    """Raises Overtaken."""
    alert, by, given = shown.draft.alert, organiser.email, shown.section
    kept = await keeping.save(
        session, alert, given.name, given.content, version=given.version, by=by
    )
    if kept.version != before.version and is_news(before, organiser):
        named = languages.language_name_in(shown.language, languages.SOURCE)
        sentence = f"Wrote at the draft of “{alert.slug}”: its texts in {named}"
        await audit.note(session, by, sentence, organisation_id=organiser.organisation_id)
    return kept


def _notes(shown: Shown) -> list[dict[str, Any]]:
    """What is told at a text's place, as the page lists it."""
    return [
        {"sentence": one.sentence, "href": f"#{one.place}", "serious": one.serious}
        for one in translating.findings(shown.draft, shown.tables)
        if one.place and one.language == shown.language
    ]


def _json(status: int, **content: Any) -> Response:
    return JSONResponse(content, status)


def _page(request: Request, organiser: Organiser, shown: Shown, status: int = 200) -> Response:
    content = shown.section.content
    return render(
        request,
        "organise/editor/translation.html",
        status,
        alert=shown.draft.alert,
        shown=shown,
        content=content,
        named=languages.language_name_in(shown.language, languages.SOURCE),
        groups=list(rows.groups(shown.tables, content, shown.language)),
        standing=translating.standing(shown.draft, shown.tables, shown.language),
        notes=_notes(shown),
        page_languages=languages.LANGUAGES,
        may_change=gate.covers(organiser, Role.ORGANISER),
        saved=request.query_params.get("saved", ""),
    )
