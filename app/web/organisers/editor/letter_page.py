"""What the page of a letter shows: its fields, the findings at their places, another letter."""

from dataclasses import dataclass, field, replace
from typing import Any

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app import languages
from app.campaigns.drafts import showing
from app.campaigns.drafts.contents import COUNTRIES, LETTER
from app.campaigns.drafts.keeping import Draft, Section
from app.campaigns.pack_folder import LETTER_FILE
from app.errors import Missing, TemplateBroken
from app.models import Organiser, Role
from app.web import gate
from app.web.organisers.editor import differences, letter_forms
from app.web.organisers.editor.differences import Difference
from app.web.organisers.editor.letter_forms import Told, Typed
from app.web.pages import reader_language, render
from app.wording import letter_fields
from app.wording.examining import spam
from app.wording.examining.examination import Finding, examine
from app.wording.letter_fields import LetterFields
from app.wording.templates import ROLES

FIRST_BESIDE = "en"
NOTHING = "-"  # chosen to stand beside the letter


@dataclass(frozen=True)
class Shown:
    """A letter on its page. `version`: of the text that the form will be made from.

    `theirs`: what somebody else saved meanwhile. `start`: the letter it was copied from.
    """

    draft: Draft
    name: str  # EE.et
    fields: LetterFields
    version: int = 0
    typed: Typed | None = None
    theirs: Section | None = None
    start: str = ""
    apart: list[Difference] = field(default_factory=list)

    @classmethod
    def of(cls, draft: Draft, name: str, start: str = "") -> "Shown":
        """As it was saved, or how a new one begins. Raises TemplateBroken."""
        section = draft.sections.get(f"{LETTER}{name}")
        if section:
            return cls(draft, name, letter_fields.read(draft.letters[name]), section.version)
        if start in draft.letters:
            copied = replace(letter_fields.read(draft.letters[start]), reviewed=False, note="")
            return cls(draft, name, copied, start=start)
        country, language = parts(name)
        stages = [one["key"] for one in draft.alert.campaign.stages]
        called = country_in(draft, country, language)
        return cls(draft, name, letter_fields.blank(language, called, stages))

    @property
    def source(self) -> str:
        return letter_fields.write(self.fields)

    @property
    def written(self) -> bool:
        return f"{LETTER}{self.name}" in self.draft.sections

    def overtaken(self, theirs: Section) -> "Shown":
        """With both texts, to be saved over theirs or given up."""
        text = str(theirs.content.get("source", ""))
        try:
            standing = letter_forms.compared(letter_fields.read(text))
        except TemplateBroken:
            standing = {"source": text}
        found = differences.between(standing, letter_forms.compared(self.fields))
        return replace(self, theirs=theirs, version=theirs.version, apart=found)


def parts(name: str) -> tuple[str, str]:
    """Country and language. Raises Missing for what no letter is called."""
    found = LETTER_FILE.fullmatch(f"{name}.txt")
    if not found:
        raise Missing("letter", name)
    return found["country"], found["language"]


def country_in(draft: Draft, code: str, language: str) -> str:
    """What the alert calls a country, or its name in a language we know."""
    named = {row["code"]: row.get("name", "") for row in draft.content(COUNTRIES)["countries"]}
    known = language if language in {"en", "et", "lv", "lt", "pl", "fi"} else languages.SOURCE
    return languages.country_name(code, known, named.get(code, ""))


def findings(draft: Draft, name: str, source: str) -> list[Finding]:
    """In the order of the text."""
    stages = [one["key"] for one in draft.alert.campaign.stages]
    _, language = parts(name)
    return examine(source, name=name, language=language, stages=stages, others=draft.letters)


def told(shown: Shown) -> list[Told]:
    """The findings at their fields, the serious first."""
    numbers = shown.typed.numbers if shown.typed else {}
    made = []
    for one in findings(shown.draft, shown.name, shown.source):
        place = letter_forms.anchor(one.place, shown.fields)
        made.append(Told(numbers.get(place, place), one.sentence, one.serious, one.line))
    return sorted(made, key=lambda one: not one.serious)


def errors(request: Request, shown: Shown) -> dict[str, str]:
    """What is said at each field that is too long, in the reader's language."""
    said = languages.translations(reader_language(request)).gettext
    faults = shown.typed.faults if shown.typed else {}
    return {
        place: said(one.sentence) % {"n": f"{one.n:,}", "most": f"{one.most:,}"}
        for place, one in faults.items()
    }


async def answer(
    request: Request, session: AsyncSession, organiser: Organiser, shown: Shown, status: int = 200
) -> Response:
    wrong = errors(request, shown)
    found = [Told(place, said, serious=True) for place, said in wrong.items()]
    # what was just posted is numbered anew on this page
    found = found or told(replace(shown, typed=None))
    return render(
        request,
        "organise/editor/letter.html",
        status,
        shown=shown,
        alert=shown.draft.alert,
        found=found,
        at={place: [one for one in found if one.anchor == place] for place in _places(found)},
        wrong=wrong,
        again=status == 403,
        saved=request.query_params.get("saved", ""),
        may_change=gate.covers(organiser, Role.ORGANISER),
        roles=ROLES,
        score=await _score(request, session, shown),
        **_beside(request, shown),
        **_named(shown, reader_language(request)),
    )


def _places(found: list[Told]) -> set[str]:
    return {one.anchor for one in found}


def _beside(request: Request, shown: Shown) -> dict[str, Any]:
    """The same letter in another language, if it can be read."""
    country, language = parts(shown.name)
    written = [one for one in shown.draft.letters if one != shown.name]
    choices = [one.partition(".")[2] for one in written if one.startswith(f"{country}.")]
    chosen = request.query_params.get("beside", FIRST_BESIDE)
    if chosen != NOTHING and chosen not in choices:
        chosen = choices[0] if choices else NOTHING
    other = None
    if chosen != NOTHING:
        try:
            other = letter_fields.read(shown.draft.letters[f"{country}.{chosen}"])
        except TemplateBroken:
            chosen = NOTHING
    stages = shown.draft.alert.campaign.stages
    return {
        "country": country,
        "letter_language": language,
        "beside": chosen,
        "beside_choices": choices,
        "other_letters": written,
        "rows": letter_forms.rows(shown.fields, stages, other),
    }


def _named(shown: Shown, reader: str) -> dict[str, Any]:
    country, _ = parts(shown.name)
    return {
        "country_name": country_in(shown.draft, country, reader),
        "language_name": lambda code: languages.language_name_in(code, reader),
    }


async def _score(request: Request, session: AsyncSession, shown: Shown) -> dict[str, Any]:
    """What a filter of unwanted mail thinks of a finished letter, when it is asked for."""
    if not spam.is_installed():
        return {"installed": False, "asked": False, "score": None}
    if "score" not in request.query_params or not shown.written:
        return {"installed": True, "asked": False, "score": None}
    country, language = parts(shown.name)
    stages = shown.draft.alert.campaign.stages
    sample = await showing.sample_letter(
        session,
        shown.draft,
        country=country,
        language=language,
        stage=stages[0]["key"] if stages else "",
        role=ROLES[0],
    )
    score = await spam.spam_score(spam.message(sample.text)) if sample.text else None
    return {"installed": True, "asked": True, "score": score}
