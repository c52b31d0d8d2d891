"""The stages that a country of a campaign can reach: what each is called, and what it means."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse

from app.campaigns.stage_moves import editing
from app.campaigns.stage_moves.editing import PARTS_OF_A_STAGE, Kinds
from app.errors import FormRefused, Overtaken
from app.models import Campaign, Organiser, Role
from app.web import gate
from app.web.organisers.stages import said
from app.web.organisers.stages.campaigns import CAMPAIGNS
from app.web.pages import reader_language, render

MOST = 30  # stages; more have no place in a line of steps
EMPTY = dict.fromkeys((*PARTS_OF_A_STAGE, "place"), "")
ROW = re.compile(r"(\d{1,2})-label")

router = APIRouter(
    prefix=CAMPAIGNS, include_in_schema=False, dependencies=[Depends(gate.signed_in)]
)
Changing = Annotated[Organiser, Depends(gate.at_least(Role.ORGANISER))]


@router.get("/{slug}/stages/kinds")
async def edit(request: Request, session: gate.Reading, organiser: Changing, slug: str) -> Response:
    campaign = await editing.campaign_of(session, organiser.organisation_id, slug)
    standing = editing.kinds_of(campaign)
    return await _form(request, session, campaign, _numbered(standing), editing.base_of(standing))


@router.post("/{slug}/stages/kinds", dependencies=[Depends(gate.form_token)])
async def change(request: Request, session: gate.Tx, organiser: Changing, slug: str) -> Response:
    campaign = await editing.campaign_of(session, organiser.organisation_id, slug)
    form = await request.form()
    rows, base = _typed(form), str(form.get("base", ""))
    try:
        changed = await editing.save_kinds(
            session, campaign, editing.checked_kinds(rows), base=base, by=organiser.email
        )
    except FormRefused as refusal:
        # a stage that would be gone is told at the row where it stood
        gone = {row["key"]: f"{n}-label" for n, row in enumerate(rows)}
        refused = {gone.get(field, field): why for field, why in refusal.fields.items()}
        rows = _put_back(campaign, rows, set(refusal.fields))
        return await _form(request, session, campaign, rows, base, refused=refused)
    except Overtaken as overtaken:
        now = editing.base_of(overtaken.theirs)
        return await _form(request, session, campaign, rows, now, theirs=overtaken.theirs)
    done = "kinds" if changed else "unchanged"
    return RedirectResponse(f"{CAMPAIGNS}/{slug}/stages?done={done}", 303)


def _typed(form: FormData) -> Kinds:
    numbers = sorted(int(found[1]) for name in form if (found := ROW.fullmatch(name)))
    return [
        EMPTY | {"key": str(form.get(f"{n}-key", ""))}
        if form.get(f"{n}-gone")
        else {name: str(form.get(f"{n}-{name}", "")) for name in EMPTY}
        for n in numbers[:MOST]
    ]


def _put_back(campaign: Campaign, rows: Kinds, keys: set[str]) -> Kinds:
    """The words of stages that cannot go stand in their fields again."""
    kept = {one["key"]: one for one in editing.kinds_of(campaign)}
    return [
        row | kept[row["key"]] | {"place": str(n + 1)} if row["key"] in keys & set(kept) else row
        for n, row in enumerate(rows)
    ]


def _numbered(kinds: Kinds) -> Kinds:
    """With their places, and an empty row at the end."""
    rows = [kind | {"place": str(n)} for n, kind in enumerate(kinds, 1)]
    return [*rows, EMPTY | {"place": str(len(rows) + 1)}]


async def _form(
    request: Request,
    session: AsyncSession,
    campaign: Campaign,
    rows: Kinds,
    base: str,
    *,
    refused: dict[str, str] | None = None,
    theirs: Kinds | None = None,
) -> Response:
    language = reader_language(request)
    errors = said.sentences(refused or {}, language)
    steps = {str(n): row["label"] or f"{n + 1}." for n, row in enumerate(rows)}
    return render(
        request,
        "organise/stages/kinds.html",
        422 if errors else 409 if theirs is not None else 200,
        campaign=campaign,
        rows=rows,
        used=await editing.in_use(session, campaign),
        theirs=theirs,
        base=base,
        errors=errors,
        summary=said.summary(errors, steps, language),
    )
