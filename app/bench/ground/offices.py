"""The first alert as it ships, and forty made-up offices to write to."""

from itertools import product

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.bench.ground.processes import ROOT
from app.campaigns import alerts, packs
from app.contacts import directory, imports
from app.contacts.imports import ContactRow
from app.models import Alert, Organisation

ALERT = "send-one-email"
OFFICES = 40
ROLES = ("prime_minister", "defence", "foreign", "president", "speaker", "committee")


async def furnish(session: AsyncSession) -> Alert:
    """The first alert as it ships, and offices at addresses that reach nobody."""
    pack = packs.load_folder(ROOT / "templates" / "letters" / ALERT)
    countries = [country.code for country in pack.alert.countries]
    numbered = product(countries, range(OFFICES // len(countries)))
    contacts = [_contact(country, number) for country, number in numbered]
    await imports.write(session, contacts)
    for one in contacts:
        await directory.check(session, one.email, source_url=one.source_url, by="bench")
    organisation = (await session.scalars(select(Organisation.id).limit(1))).one()
    await packs.put(session, pack, organisation_id=organisation)
    return await alerts.by_slug(session, ALERT)


def _contact(country: str, number: int) -> ContactRow:
    cells = {
        "country": country,
        "office": f"Office {number + 1}",
        "role": ROLES[number % len(ROLES)],
        "institution": "Government",
        "institution_local": "Valitsus",
        "email": f"office-{number + 1}-{country.lower()}@example.org",
        "languages": "en",
        "evidence": "made-up",
        "source_url": "https://example.org/",
        "checked_on": "",
    }
    return ContactRow.model_validate(cells)
