"""Translations become rows, and rows become the files they came from."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.other_languages import texts
from app.campaigns.other_languages.file_format import Translation, TranslationFile, agree
from app.models import Alert, AlertTranslation


async def put(
    session: AsyncSession,
    alert: Alert,
    translations: Sequence[Translation],
    tables: Mapping[str, Any],
) -> None:
    """The alert's translations become these. `tables`: the alert as its file has it, with the
    stages of its campaign. Raises PackBroken."""
    ours = select(AlertTranslation).where(AlertTranslation.alert_id == alert.id)
    kept = {row.language: row for row in await session.scalars(ours)}
    known = texts.english(tables)
    for one in translations:
        agree(one.name, one.file, tables)
        row = kept.pop(one.language, None)
        if row is None:
            row = AlertTranslation(alert_id=alert.id, language=one.language)
            session.add(row)
        row.reviewed, row.content = one.file.reviewed, content_of(one.file, known)
    for gone in kept.values():
        await session.delete(gone)
    await session.flush()
    await session.refresh(alert, ["translations"])


def content_of(file: TranslationFile, known: Mapping[str, str]) -> dict[str, Any]:
    """As a row keeps it: each text with the seal of the English it was made from, which is the
    one beside it unless the file says otherwise."""
    tables = file.model_dump(exclude_defaults=True, exclude={"reviewed", "of"})
    places = [place for place in texts.flat(tables) if place in known]
    of = {place: file.of.get(place) or texts.seal(known[place]) for place in places}
    return tables | {"of": of}


def translation(
    language: str,
    *,
    reviewed: bool,
    note: str,
    told: Mapping[str, str],
    made_from: Mapping[str, str],
    tables: Mapping[str, Any],
) -> Translation:
    """The file of these texts; what the alert has no place for is left out.

    `made_from`: seals of the English. Raises pydantic's ValidationError.
    """
    known = texts.english(tables)
    stale = {place: made_from[place] for place in texts.changed(told, made_from, known)}
    head = {"reviewed": reviewed, "note": note, "of": stale}
    return Translation(language, TranslationFile.model_validate(texts.nested(told, tables) | head))


def of_row(row: AlertTranslation, tables: Mapping[str, Any]) -> Translation:
    return translation(
        row.language,
        reviewed=row.reviewed,
        note=str(row.content.get("note", "")),
        told=texts.flat(row.content),
        made_from=row.content.get("of", {}),
        tables=tables,
    )
