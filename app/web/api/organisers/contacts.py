"""A contact file from a program: compared, and only with `?write=true` taken."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.datastructures import UploadFile

from app import audit
from app.contacts import comparing
from app.contacts.comparing import Comparison, Known
from app.contacts.files.reading import Reading, read_file
from app.contacts.files.rows import ContactRow
from app.errors import FileRefused, RowRefused
from app.web import gate
from app.web.api.organisers.shapes import ChangedOut, ImportOut, RefusedOut, RowOut

router = APIRouter(prefix="/api/v1/contacts", tags=["organisers"])
A_FILE = {"schema": {"type": "string", "format": "binary"}}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "the file itself, or a form with it as `file`",
        "content": {
            "text/csv": A_FILE,
            "text/vcard": A_FILE,
            "application/json": A_FILE,
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}


Writing = Annotated[gate.Caller, Depends(gate.token_with("contacts:write"))]


@dataclass(frozen=True)
class Sent:
    """A file by its name, and what it says."""

    name: str
    reading: Reading


async def sent_file(request: Request, caller: Writing) -> Sent:
    """Read only for whoever may: a file can be large. Raises FileRefused when there is none."""
    name, data = await _received(request)
    return Sent(name, await asyncio.to_thread(read_file, name, data))


async def _received(request: Request) -> tuple[str, bytes]:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return "the file", await request.body()
    async with request.form() as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise FileRefused([RowRefused("the form", 1, "there is no field “file” with a file")])
        return (file.filename or "the file")[:100], await file.read()


@router.post("/import", openapi_extra=BODY, summary="Compare a contact file, and take it")
async def take(
    caller: Writing,
    # before the transaction: while a file comes and is read, others write
    file: Annotated[Sent, Depends(sent_file)],
    session: gate.Tx,
    write: Annotated[bool, Query(description="take it, whole or not at all")] = False,
) -> ImportOut:
    """CSV, XLSX, vCard or Popolo JSON. Without `write` only what would change is told. A file with
    lines that cannot be taken is refused whole when it is to be written. Offices that it does not
    have stay. Needs contacts:write."""
    name, reading = file.name, file.reading
    if write and reading.refused:
        raise FileRefused([RowRefused(name, one.line, one.reason) for one in reading.refused])
    found = await comparing.compare(session, reading.rows)
    if write:
        by = caller.organiser.email
        done = await comparing.take(session, found, by=by)
        ours = caller.organisation_id
        await audit.note(session, by, f"{name} was taken: {done}.", organisation_id=ours)
    return _answer(reading, found, written=write)


def _answer(reading: Reading, found: Comparison, *, written: bool) -> ImportOut:
    return ImportOut(
        written=written,
        assumed=list(reading.assumed),
        added=[_row(one) for one in found.added],
        changed=[
            ChangedOut(
                **_row(one.row).model_dump(),
                differences={name: (was, would) for name, was, would in one.differences},
            )
            for one in found.changed
        ],
        missing=[_row(one) for one in found.retired],
        unchanged=found.unchanged,
        refused=[RefusedOut(line=one.line, reason=one.reason) for one in reading.refused],
    )


def _row(one: ContactRow | Known) -> RowOut:
    return RowOut(country=one.country, office=one.office, email=one.email)
