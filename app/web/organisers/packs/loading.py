"""A zip is read, shown with all that it would change, and only then becomes a draft.

The file itself is not kept between the two: the page carries the pack on in a hidden field.
"""

import asyncio
import base64
import zlib
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse

from app.campaigns.drafts.contents import LETTER
from app.campaigns.zips import reading, taking, writing
from app.campaigns.zips.reading import Bundle
from app.errors import Overtaken, PackBroken, TemplateBroken
from app.languages import language_name_in, marked, translations
from app.models import Alert, Campaign, Organiser, Role
from app.web import gate
from app.web.organisers.editor import differences
from app.web.pages import reader_language, render

PACKS = "/organise/packs"
NO_FILE = marked("Please choose a zip file.")

router = APIRouter(prefix=PACKS, include_in_schema=False, dependencies=[Depends(gate.signed_in)])
Changing = Annotated[Organiser, Depends(gate.at_least(Role.ORGANISER))]


@router.get("")
async def show(request: Request, session: gate.Reading, organiser: gate.Us) -> Response:
    return await _page(request, session, organiser)


@router.post("", dependencies=[Depends(gate.form_token)])
async def look(request: Request, session: gate.Reading, organiser: Changing) -> Response:
    """What the file would bring; nothing is written."""
    async with request.form() as form:
        file = form.get("file")
        data = await file.read() if isinstance(file, UploadFile) else b""
        name = file.filename if isinstance(file, UploadFile) else ""
    if not name:
        return await _page(request, session, organiser, error=NO_FILE)
    try:
        bundle = await asyncio.to_thread(reading.read, data, name[:100])
        found = await taking.plan(session, bundle, organiser.organisation_id)
    except (PackBroken, TemplateBroken) as refusal:
        return await _page(request, session, organiser, error=str(refusal))
    return _look(request, found)


@router.post("/load", dependencies=[Depends(gate.form_token)])
async def load(request: Request, session: gate.Tx, organiser: Changing) -> Response:
    """Take what was shown. When the draft was changed meanwhile, it is shown once more."""
    form = await request.form()
    bundle = await asyncio.to_thread(_carried, str(form.get("pack", "")))
    ours, by = organiser.organisation_id, organiser.email
    try:
        done = await taking.take(session, bundle, ours, seal=str(form.get("seal", "")), by=by)
    except Overtaken as overtaken:
        return _look(request, overtaken.theirs, overtaken=True)
    return RedirectResponse(f"/organise/alerts/{done.alert.slug}/edit?done=loaded", 303)


async def _page(
    request: Request, session: AsyncSession, organiser: Organiser, *, error: str = ""
) -> Response:
    alerts = await session.scalars(
        select(Alert)
        .join(Campaign, Campaign.id == Alert.campaign_id)
        .where(Campaign.organisation_id == organiser.organisation_id)
        .order_by(Alert.id.desc())
    )
    return render(
        request,
        "organise/packs/packs.html",
        422 if error else 200,
        alerts=alerts.all(),
        error=translations(reader_language(request)).gettext(error) if error else "",
        may_change=gate.covers(organiser, Role.ORGANISER),
        largest=reading.LARGEST >> 20,
    )


def _look(request: Request, found: taking.Plan, *, overtaken: bool = False) -> Response:
    changed = [one for one in found.parts if one.how == "changed"]
    return render(
        request,
        "organise/packs/look.html",
        409 if overtaken else 200,
        found=found,
        file=found.bundle.pack.alert,
        letters=[one for one in found.parts if one.name.startswith(LETTER)],
        differences={one.name: differences.between(one.theirs, one.yours) for one in changed},
        carried=_carry(found.bundle),
        overtaken=overtaken,
        language_name=partial(language_name_in, reader=reader_language(request)),
    )


def _carry(bundle: Bundle) -> str:
    """The pack as text for a hidden field."""
    return base64.b64encode(zlib.compress(writing.write(bundle), 9)).decode()


def _carried(packed: str) -> Bundle:
    """Read as strictly as a file from anywhere: a form can hold anything. Raises PackBroken."""
    try:
        packed_zip = base64.b64decode(packed, validate=True)
        data = zlib.decompressobj().decompress(packed_zip, reading.LARGEST_ZIP)
    except (ValueError, zlib.error):
        raise PackBroken(reading.DAMAGED) from None
    return reading.read(data)
