"""A country's timeline: typed, looked at with all that it would change, and only then written."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse

from app.campaigns import stages
from app.campaigns.pack_format import Step
from app.campaigns.stage_moves import editing, looking
from app.campaigns.stage_moves.editing import PARTS_OF_A_STEP, Timeline
from app.errors import FormRefused, Overtaken
from app.models import Campaign, Organiser, Role
from app.web import gate
from app.web.organisers.stages import said
from app.web.organisers.stages.campaigns import CAMPAIGNS, today
from app.web.pages import reader_language, render

EMPTY = dict.fromkeys(PARTS_OF_A_STEP, "")

router = APIRouter(
    prefix=CAMPAIGNS, include_in_schema=False, dependencies=[Depends(gate.signed_in)]
)
Changing = Annotated[Organiser, Depends(gate.at_least(Role.ORGANISER))]
Country = Annotated[str, Path(pattern="^[A-Z]{2}$")]


@router.get("/{slug}/stages/{country}")
async def edit(
    request: Request, session: gate.Reading, organiser: Changing, slug: str, country: Country
) -> Response:
    campaign = await editing.campaign_of(session, organiser.organisation_id, slug)
    timeline = await _standing(session, campaign, country)
    return await _form(request, session, campaign, country, timeline, editing.base_of(timeline))


@router.post("/{slug}/stages/{country}", dependencies=[Depends(gate.form_token)])
async def change(
    request: Request, session: gate.Tx, organiser: Changing, slug: str, country: Country
) -> Response:
    """`act`: look at what would change (nothing is written), go back to the fields, or save."""
    campaign = await editing.campaign_of(session, organiser.organisation_id, slug)
    form = await request.form()
    timeline, base = _typed(campaign, form), str(form.get("base", ""))
    standing = await _standing(session, campaign, country)
    theirs: dict[str, Any] = {"theirs": standing} if editing.base_of(standing) != base else {}
    if form.get("act") == "back":
        return await _form(request, session, campaign, country, timeline, base)
    try:
        steps = editing.checked(campaign, timeline)
        if theirs and editing.typed(steps) != standing:
            raise Overtaken(standing, dict(timeline))
        if form.get("act") != "save":
            return await _look(request, session, campaign, country, timeline, steps, base)
        n = await editing.save_steps(
            session, campaign, country, steps, base=base, by=organiser.email
        )
    except FormRefused as refusal:
        return await _form(
            request, session, campaign, country, timeline, base, refused=refusal.fields
        )
    except Overtaken as overtaken:
        now = editing.base_of(overtaken.theirs)
        return await _form(
            request, session, campaign, country, timeline, now, theirs=overtaken.theirs
        )
    done = "held" if n else "saved"
    return RedirectResponse(f"{CAMPAIGNS}/{slug}/stages?done={done}#{country}", 303)


async def _standing(session: AsyncSession, campaign: Campaign, country: str) -> Timeline:
    return editing.typed(await stages.steps_of(session, campaign, country))


def _typed(campaign: Campaign, form: FormData) -> Timeline:
    """What was typed of each stage; a step that is to go is typed as nothing."""
    return {
        kind["key"]: EMPTY
        if form.get(f"{kind['key']}-gone")
        else {name: str(form.get(f"{kind['key']}-{name}", "")) for name in PARTS_OF_A_STEP}
        for kind in campaign.stages
    }


async def _form(
    request: Request,
    session: AsyncSession,
    campaign: Campaign,
    country: str,
    timeline: Timeline,
    base: str,
    *,
    refused: dict[str, str] | None = None,
    theirs: Timeline | None = None,
) -> Response:
    language = reader_language(request)
    errors = said.sentences(refused or {}, language)
    steps = {kind["key"]: str(kind["label"]) for kind in campaign.stages}
    status = 422 if errors else 409 if theirs is not None else 200
    return render(
        request,
        "organise/stages/timeline.html",
        status,
        campaign=campaign,
        country=country,
        named=await stages.name_of(session, campaign, country),
        timeline={kind["key"]: timeline.get(kind["key"], EMPTY) for kind in campaign.stages},
        theirs=theirs,
        empty=EMPTY,
        base=base,
        errors=errors,
        summary=said.summary(errors, steps, language),
        today=await today(session, campaign),
    )


async def _look(
    request: Request,
    session: AsyncSession,
    campaign: Campaign,
    country: str,
    timeline: Timeline,
    steps: list[Step],
    base: str,
) -> Response:
    """What would change; nothing is written."""
    day = await today(session, campaign)
    return render(
        request,
        "organise/stages/look.html",
        campaign=campaign,
        country=country,
        named=await stages.name_of(session, campaign, country),
        timeline=timeline,
        steps=steps,
        current=stages.stage_on(steps, day),
        today=day,
        label=lambda stage: stages.label(campaign, stage),
        changes=await looking.changes(session, campaign, country, steps),
        unchanged=editing.typed(steps) == await _standing(session, campaign, country),
        base=base,
    )
