"""A pack as one zip file; the same alert gives the same bytes, on every machine."""

import stat
from io import BytesIO
from textwrap import fill
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import packs
from app.campaigns.drafts import assembling
from app.campaigns.drafts.keeping import Draft
from app.campaigns.pack_folder import Pack, files_of
from app.campaigns.zips.reading import README, Bundle
from app.contacts import listing
from app.contacts.files.writing import as_csv

BEGINNING = (1980, 1, 1, 0, 0, 0)  # of a zip file's time: when it was made is nobody's business
UNIX = 3
WIDTH = 76


async def of_alert(session: AsyncSession, slug: str) -> bytes:
    """A zip of the alert as it stands. Raises Missing."""
    return write(await with_contacts(session, await packs.take_out(session, slug)))


async def of_draft(session: AsyncSession, draft: Draft) -> bytes:
    """A zip of the alert as it would be published. Raises DraftUnfinished."""
    return write(await with_contacts(session, await assembling.pack_of(session, draft)))


async def with_contacts(session: AsyncSession, pack: Pack) -> Bundle:
    """The pack with the addresses of its countries' offices, as the directory has them.

    Without our checks: a file cannot check, whoever takes it in looks each address up.
    """
    found = {one.code: await listing.rows(session, one.code) for one in pack.alert.countries}
    unchecked = {"checked_on": None}
    return Bundle(
        pack,
        {
            code: tuple(row.model_copy(update=unchecked) for row in rows)
            for code, rows in found.items()
            if rows
        },
    )


def write(bundle: Bundle) -> bytes:
    """Stored and not compressed: two makers of zlib do not compress alike."""
    contacts = {f"contacts/{code}.csv": as_csv(rows) for code, rows in bundle.contacts.items()}
    files = {README: _readme(bundle).encode()} | files_of(bundle.pack)
    out = BytesIO()
    with ZipFile(out, "w", ZIP_STORED) as opened:
        for name, octets in [*files.items(), *sorted(contacts.items())]:
            entry = ZipInfo(name, BEGINNING)
            entry.create_system = UNIX
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            opened.writestr(entry, octets)
    return out.getvalue()


def _readme(bundle: Bundle) -> str:
    """For whoever opens the zip and has never seen one."""
    alert = bundle.pack.alert
    parts = [
        alert.title,
        f"This is an action alert of “Send One Email” as a pack of plain files:"
        f" alert.toml is the alert with its campaign “{alert.campaign.title}”, its countries and"
        " where each of them stands; alert.et.toml is what it says in another language; a file like"
        " EE.et.txt is the letter to one country in one language; contacts/EE.csv are the addresses"
        " of a country's offices, each with where it was found.",
        "To run it: sign in as an organiser, open “Packs” and choose this zip. You are shown"
        " what would be new before anything is written, and it becomes a draft. On the command"
        " line:",
        f"    python -m app alerts load {alert.slug}.zip --state draft",
        "Before you publish it: read the letters, ask a native reader about each language, and"
        " check every address on the office's own page.",
    ]
    texts = [
        one
        if one.startswith(" ")
        else fill(one, WIDTH, break_long_words=False, break_on_hyphens=False)
        for one in parts
    ]
    return "\n\n".join(texts) + "\n"
