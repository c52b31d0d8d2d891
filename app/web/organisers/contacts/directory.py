"""The directory on a page, and as a file."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from app.contacts import directory, listing, reports
from app.contacts.files import writing
from app.contacts.listing import Asked, Show
from app.errors import Missing
from app.models import Role
from app.web import gate
from app.web.pages import render

CONTACTS = "/organise/contacts"
LARGEST_PAGE = 1_000_000

router = APIRouter(prefix=CONTACTS, include_in_schema=False, dependencies=[Depends(gate.signed_in)])
Country = Annotated[str, Query(max_length=2)]


@router.get("")
async def show(
    request: Request,
    session: gate.Reading,
    organiser: gate.Us,
    country: Country = "",
    show: Literal["", "all", "check", "without"] = "all",
    words: Annotated[str, Query(max_length=200)] = "",
    page: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 1,
) -> Response:
    """So many offices at a time, by country: all, those that need a check, or without address."""
    chosen: Show = show or "all"
    asked = Asked(country, chosen, " ".join(words.replace("\x00", " ").split()), page)
    return render(
        request,
        "organise/contacts/directory.html",
        asked=asked,
        found=await listing.page(session, asked),
        countries=await listing.countries(session),
        need_a_check=await directory.count_needing_a_check(session),
        reported=await reports.waiting(session, limit=5),
        reports=await reports.count_waiting(session),
        stale_days=directory.STALE.days,
        may_change=gate.covers(organiser, Role.ORGANISER),
    )


@router.get("/export.{kind}")
async def export(session: gate.Reading, kind: str, country: Country = "") -> Response:
    """Every address, or those of one country: csv, vcf or json."""
    if kind not in writing.KINDS:
        raise Missing("file", kind)
    write, media_type = writing.KINDS[kind]
    content = await asyncio.to_thread(write, await listing.rows(session, country))
    name = f"contacts-{country.lower()}" if country.isascii() and country.isalpha() else "contacts"
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    return Response(content, media_type=media_type, headers=headers)
