"""The directory as a file: CSV, XLSX, vCard or Popolo JSON. The same rows give the same bytes, and
taking them in again changes nothing."""

import csv
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from io import BytesIO, StringIO
from typing import Any

from xlsxwriter import Workbook

from app.contacts.files.rows import COLUMNS, FORMULA, ContactRow
from app.contacts.files.vcards import OURS
from app.languages import country_name

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
FOLD = 75  # octets in a line of a vCard, without its end (RFC 6350 3.2)
POPOLO_AREA = "ocd-division/country:"

Rows = Sequence[ContactRow]


def as_csv(rows: Rows) -> bytes:
    """Our columns, as the files in contacts/ have them."""
    out = StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(row).values() for row in rows)
    return out.getvalue().encode()


def as_workbook(rows: Rows) -> bytes:
    """The same in the first sheet of an XLSX file, every cell a text and no formula."""
    out = BytesIO()
    with Workbook(out, {"in_memory": True}) as book:
        book.set_properties({"created": LONG_AGO})  # or each export would differ
        sheet = book.add_worksheet("contacts")
        for number, cells in enumerate((COLUMNS, *(_cells(row).values() for row in rows))):
            for column, cell in enumerate(cells):
                sheet.write_string(number, column, cell)
        sheet.freeze_panes(1, 0)
    return out.getvalue()


def as_vcards(rows: Rows) -> bytes:
    """vCard 4.0, one card an office (RFC 6350)."""
    lines = [line for row in rows for line in _card(row)]
    return "".join(f"{_folded(line)}\r\n" for line in lines).encode()


def as_popolo(rows: Rows) -> bytes:
    """Posts with their address, the organisations they belong to, and the countries as areas."""
    names = sorted({(row.country, row.institution, row.institution_local) for row in rows})
    ids = {name: f"organization/{name[0]}/{n}" for n, name in enumerate(names, start=1)}
    data = {
        "areas": [_area(code) for code in sorted({row.country for row in rows})],
        "organizations": [_organization(ids[name], *name) for name in names],
        "posts": [
            _post(row, ids[row.country, row.institution, row.institution_local]) for row in rows
        ],
    }
    return "{{\n{}\n}}\n".format(",\n".join(map(_listed, data.items()))).encode()


KINDS: dict[str, tuple[Callable[[Rows], bytes], str]] = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "xlsx": (
        as_workbook,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    "vcf": (as_vcards, "text/vcard; charset=utf-8"),
    "json": (as_popolo, "application/json"),
}


def refused_as_csv(refused: Sequence[dict[str, Any]]) -> bytes:
    """What could not be taken of a file: line, reason, and what stood there."""
    out = StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("line", "reason", "what stood there"))
    writer.writerows((one["line"], one["reason"], _read_only(one["stood"])) for one in refused)
    return out.getvalue().encode("utf-8-sig")  # Excel reads UTF-8 only by its mark


def _read_only(text: str) -> str:
    """What a spreadsheet shows as it is: nobody has checked what stood there."""
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text


def _cells(row: ContactRow) -> dict[str, str]:
    cells = {name: getattr(row, name) for name in COLUMNS}
    day = row.checked_on.isoformat() if row.checked_on else ""
    return cells | {"languages": " ".join(row.languages), "checked_on": day}


def _card(row: ContactRow) -> list[str]:
    cells = {name: _escaped(cell) for name, cell in _cells(row).items()}
    extra = [f"{name}:{cells[column]}" for name, column in OURS.items() if cells[column]]
    return [
        *("BEGIN:VCARD", "VERSION:4.0", "KIND:org"),
        f"FN:{cells['office']}",
        f"TITLE:{cells['office']}",
        f"ROLE:{cells['role']}",
        f"ORG:{cells['institution']}",
        f"ADR:;;;;;;{cells['country']}",
        f"EMAIL:{cells['email']}",
        *(f"LANG;PREF={n}:{one}" for n, one in enumerate(row.languages, start=1)),
        *([f"SOURCE:{cells['source_url']}"] if row.source_url else []),
        *extra,
        "END:VCARD",
    ]


def _escaped(text: str) -> str:
    """RFC 6350 3.4; a row holds no line breaks."""
    for sign in ("\\", ",", ";"):
        text = text.replace(sign, f"\\{sign}")
    return text


def _folded(line: str) -> str:
    """Broken where a line grows too long, never inside a character."""
    if len(line) * 4 <= FOLD or (line.isascii() and len(line) <= FOLD):
        return line
    parts, room = [""], FOLD
    for sign in line:
        octets = len(sign.encode())
        if octets > room:
            parts.append(" ")
            room = FOLD - 1
        parts[-1] += sign
        room -= octets
    return "\r\n".join(parts)


def _listed(named: tuple[str, list[dict[str, Any]]]) -> str:
    """A list with a line to each object, so that two exports can be laid side by side."""
    name, things = named
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in things)
    return f'"{name}": [\n{lines}\n]'


def _area(code: str) -> dict[str, Any]:
    return {
        "id": f"{POPOLO_AREA}{code.lower()}",
        "name": country_name(code, "en"),
        "classification": "country",
        "identifier": code,
    }


def _organization(key: str, code: str, name: str, local: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": key,
        "name": name,
        "area_id": f"{POPOLO_AREA}{code.lower()}",
    }
    return found | ({"other_names": [{"name": local, "note": "local"}]} if local else {})


def _post(row: ContactRow, organization: str) -> dict[str, Any]:
    contact: dict[str, Any] = {"type": "email", "value": row.email, "note": row.evidence}
    if row.source_url:
        contact["sources"] = [{"url": row.source_url}]
    if row.checked_on:
        contact["checked_on"] = row.checked_on.isoformat()
    return {
        "id": f"post/{row.country}/{row.office}",
        "label": row.office,
        "role": row.role,
        "organization_id": organization,
        "area_id": f"{POPOLO_AREA}{row.country.lower()}",
        "languages": list(row.languages),
        "contact_details": [contact],
    }
