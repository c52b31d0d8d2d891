"""The editor: one page, whose parts are saved one by one."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import JSONResponse, RedirectResponse

from app import audit, clock, languages
from app.campaigns import alerts
from app.campaigns.drafts import assembling, contents, keeping, presets
from app.campaigns.drafts.contents import COUNTRIES
from app.campaigns.drafts.keeping import Draft, Section
from app.campaigns.pack_folder import LETTER_FILE
from app.errors import Missing, NotAllowed, Overtaken, Refusal
from app.languages import marked as _
from app.models import Organisation, Organiser, Role
from app.web import gate
from app.web.organisers.alerts import find
from app.web.organisers.editor import desk, differences, typed
from app.web.organisers.editor.desk import Part
from app.web.organisers.editor.typed import TooLong, Typed
from app.web.pages import reader_language, render

SAID_AGAIN = 3600  # seconds; who goes on writing the same part is put on record once an hour
TOO_LONG = _("This is too long: at most %(most)s characters fit. Nothing was cut.")
TOO_MANY = _("This list is too long: at most %(most)s rows fit. Nothing was cut.")

router = APIRouter(
    prefix="/organise/alerts", include_in_schema=False, dependencies=[Depends(gate.signed_in)]
)
Changing = Annotated[Organiser, Depends(gate.at_least(Role.ORGANISER))]


async def token_holds(request: Request, organiser: gate.Us) -> bool:
    """False when the page was made before its organiser signed in again: their text is kept."""
    try:
        await gate.form_token(request, organiser)
    except NotAllowed:
        return False
    return True


# before the transaction: it reads the form, and a slow line must not hold the one writer
TokenHolds = Annotated[bool, Depends(token_holds)]


@router.get("/{slug}/edit")
async def show(request: Request, session: gate.Reading, organiser: gate.Us, slug: str) -> Response:
    draft = await keeping.read(session, await find(session, organiser, slug))
    return await _page(request, session, organiser, draft)


@router.get("/{slug}/edit/letter")
async def begin_letter(
    session: gate.Reading, organiser: Changing, slug: str, country: str = "", language: str = ""
) -> Response:
    """To the page of a letter that may not be written yet: a form cannot make that address."""
    alert = await find(session, organiser, slug)
    if not LETTER_FILE.fullmatch(f"{country}.{language}.txt"):
        raise Missing("letter", f"{country}.{language}")
    return RedirectResponse(f"/organise/alerts/{alert.slug}/edit/letters/{country}.{language}", 303)


@router.post("/{slug}/edit/standing", dependencies=[Depends(gate.form_token)])
async def stand(session: gate.Tx, organiser: Changing, slug: str) -> Response:
    """Where a campaign has one stage only, every country of the draft stands there from today."""
    alert = await find(session, organiser, slug)
    draft = await keeping.read(session, alert)
    codes = [row["code"] for row in draft.content(COUNTRIES)["countries"]]
    organisation = await session.get_one(Organisation, alert.campaign.organisation_id)
    day = alerts.today(alert)
    new = await presets.stand(session, alert.campaign, codes, on=day, source=organisation.name)
    if new:
        sentence = f"Put {', '.join(new)} at the first stage of “{alert.campaign.slug}”"
        await audit.note(session, organiser.email, sentence)
    return RedirectResponse(f"/organise/alerts/{slug}/edit?saved=standing#standing", 303)


@router.post("/{slug}/edit/{name}")
async def save(
    request: Request,
    organiser: Changing,
    token_holds: TokenHolds,
    session: gate.Tx,
    slug: str,
    name: str,
) -> Response:
    """Keep a part as it was typed; a script that saves by itself is answered in JSON."""
    alert = await find(session, organiser, slug)
    if name not in contents.names(alert):
        raise Missing("part", name)
    draft = await keeping.read(session, alert)
    data = await request.form()
    given, version = typed.read(name, data), number(str(data.get("version", "")))
    if name == COUNTRIES:
        await _check_countries(session, draft, given)
    answer = _Answer(request, session, organiser, draft, name, given)
    if given.faults:
        return await answer.too_long(version)
    if not token_holds:
        return await answer.signed_in_again(version)
    before = draft.sections[name]
    try:
        after = await keeping.save(
            session, alert, name, given.content, version=version, by=organiser.email
        )
    except Overtaken as fault:
        return await answer.overtaken(fault.theirs)
    if after.version != before.version and is_news(before, organiser):
        await audit.note(session, organiser.email, f"Wrote at the draft of “{slug}”: {name}")
    return await answer.saved(after)


async def _check_countries(session: AsyncSession, draft: Draft, given: Typed) -> None:
    """The form offers those with an office. Raises Refusal for any other that is new."""
    known = {row["code"] for row in draft.content(COUNTRIES)["countries"]}
    new = [row["code"] for row in given.content["countries"] if row["code"] not in known]
    if new:
        offered = await desk.reachable(session)
        if strange := [code for code in new if code not in offered]:
            raise Refusal(f"The directory has no office of {strange[0][:20]}.")


class _Answer:
    """The answers to one part that was posted: a page, or JSON for the page's own script."""

    def __init__(
        self,
        request: Request,
        session: AsyncSession,
        organiser: Organiser,
        draft: Draft,
        name: str,
        given: Typed,
    ) -> None:
        self.request, self.session, self.organiser = request, session, organiser
        self.draft, self.name, self.given = draft, name, given
        self.by_itself = "x-autosave" in request.headers
        self.reader = reader_language(request)

    async def saved(self, section: Section) -> Response:
        slug = self.draft.alert.slug
        if not self.by_itself:
            return RedirectResponse(
                f"/organise/alerts/{slug}/edit?saved={self.name}#{self.name}", 303
            )
        draft = await keeping.read(self.session, self.draft.alert)
        found = await assembling.faults(self.session, draft)
        notes = desk.notes(draft.alert, found, self.reader)
        return JSONResponse({"version": section.version, "faults": _plain(notes)})

    async def too_long(self, version: int) -> Response:
        errors = {place: self._said(one) for place, one in self.given.faults.items()}
        if self.by_itself:
            return JSONResponse({"errors": errors}, 422)
        return await self._again(422, version, errors=errors)

    async def signed_in_again(self, version: int) -> Response:
        if self.by_itself:
            token = self.request.state.sign_in.form_token
            return JSONResponse({"form_token": token}, 403)
        return await self._again(403, version)

    async def overtaken(self, theirs: Section) -> Response:
        if self.by_itself:
            by = theirs.changed_by or languages.translations(self.reader).gettext(_("Somebody"))
            return JSONResponse({"by": by, "version": theirs.version}, 409)
        found = differences.between(theirs.content, self.given.content)
        return await self._again(409, theirs.version, theirs=theirs, differences=found)

    async def _again(self, status: int, version: int, **more: Any) -> Response:
        section = Section(self.name, self.given.content, version)
        part = Part(section, unsaved=True, **more)
        return await _page(
            self.request,
            self.session,
            self.organiser,
            self.draft,
            part,
            status=status,
        )

    def _said(self, fault: TooLong) -> str:
        said = languages.translations(self.reader).gettext
        return said(TOO_MANY if fault.rows else TOO_LONG) % {"most": fault.most}


async def _page(
    request: Request,
    session: AsyncSession,
    organiser: Organiser,
    draft: Draft,
    changed: Part | None = None,
    status: int = 200,
) -> Response:
    return render(
        request,
        "organise/editor/edit.html",
        status,
        **await desk.context(session, request, draft, changed),
        may_change=gate.covers(organiser, Role.ORGANISER),
        saved=request.query_params.get("saved", ""),
        now=clock.now(),
    )


def _plain(notes: dict[str, list[desk.Note]]) -> dict[str, list[dict[str, Any]]]:
    return {name: [vars(note) for note in found] for name, found in notes.items()}


def is_news(before: Section | None, organiser: Organiser) -> bool:
    """Whether a save is put on record: who goes on writing the same part is, once an hour."""
    if before is None or before.changed_at is None or before.changed_by != organiser.email:
        return True
    return (clock.now() - before.changed_at).total_seconds() > SAID_AGAIN


def number(text: str) -> int:
    """A version as a form posts it; 0 for what is none."""
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdecimal() and len(digits) < 12 else 0
