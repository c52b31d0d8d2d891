"""Drafts as they are saved: part by part, so that two organisers get in each other's way only
where they write the same part, and then are told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sqlalchemy import delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app import clock
from app.campaigns.drafts import contents
from app.campaigns.drafts.contents import LETTER, TRANSLATION, Content
from app.campaigns.offices import newest_templates
from app.db import insert_for
from app.errors import Overtaken
from app.models import Alert, DraftSection


@dataclass(frozen=True)
class Section:
    """A part as it was last saved. Its version grows from 1; one that was never saved has a
    number below zero that stands for its text, and one that is not there has 0."""

    name: str
    content: Content
    version: int = 0
    changed_at: datetime | None = None
    changed_by: str = ""


@dataclass(frozen=True)
class Draft:
    """An alert as it would be published now."""

    alert: Alert  # with its campaign and countries
    sections: Mapping[str, Section]
    removed: Mapping[str, Section]  # letters and translations that were taken away
    begun: bool  # somebody saved something that is not published
    base_moved: bool  # the alert itself was changed after the draft began

    def content(self, name: str) -> Content:
        return self.sections[name].content

    @cached_property
    def letters(self) -> dict[str, str]:
        """The letter templates' text by country and language: EE.et."""
        return {
            name.removeprefix(LETTER): str(section.content.get("source", ""))
            for name, section in sorted(self.sections.items())
            if name.startswith(LETTER)
        }

    @cached_property
    def translations(self) -> dict[str, Content]:
        """What the alert says in other languages, by language."""
        return {
            name.removeprefix(TRANSLATION): section.content
            for name, section in sorted(self.sections.items())
            if name.startswith(TRANSLATION)
        }

    @cached_property
    def seal(self) -> str:
        return contents.seal({name: one.content for name, one in self.sections.items()})

    @cached_property
    def letters_seal(self) -> str:
        """Of the letters alone: what a test letter has tried."""
        return contents.seal({"letters": dict(self.letters)})


async def read(session: AsyncSession, alert: Alert) -> Draft:
    """The draft; a part that was never saved is as the alert stands."""
    standing = contents.of_alert(alert, await newest_templates(session, alert.id))
    saved = select(DraftSection).where(DraftSection.alert_id == alert.id)
    found = await session.scalars(saved.execution_options(populate_existing=True))
    rows = {row.name: row for row in found}
    sections = {
        name: Section(name, content, version=-contents.number(content))
        for name, content in standing.items()
    }
    sections |= {name: _section(row) for name, row in rows.items()}
    removed = {name: one for name, one in sections.items() if not one.content}
    sections = {name: one for name, one in sections.items() if one.content}
    moved = bool(rows) and alert.draft_base not in contents.seals(standing)
    return Draft(alert, sections, removed, begun=bool(rows), base_moved=moved)


async def save(
    session: AsyncSession, alert: Alert, name: str, content: Content, *, version: int, by: str
) -> Section:
    """Keep what was typed. `version`: of the part that the form was made from.

    Raises Overtaken when somebody saved another text meanwhile.
    """
    await hold(session, alert)
    standing = _part(await read(session, alert), name)
    if standing.content == content:
        return standing
    overtaken = standing.content and standing.version != version
    if overtaken or not await _write(session, alert, standing, content, by):
        raise Overtaken(_part(await read(session, alert), name), content)
    return _part(await read(session, alert), name)


async def remove(session: AsyncSession, alert: Alert, name: str, *, version: int, by: str) -> None:
    """Take a letter out of the draft. Raises Overtaken."""
    await hold(session, alert)
    standing = (await read(session, alert)).sections.get(name)
    if standing is None:
        return
    if standing.version != version or not await _write(session, alert, standing, {}, by):
        raise Overtaken(standing, {})


async def is_begun(session: AsyncSession, alert: Alert) -> bool:
    """Whether something was saved that is not published."""
    return bool(await session.scalar(select(exists().where(DraftSection.alert_id == alert.id))))


async def hold(session: AsyncSession, alert: Alert) -> None:
    """Until this transaction ends nobody else saves or publishes the draft: what is saved while
    it is published would be forgotten with it. Whoever had to wait sees what the other wrote."""
    parts = (selectinload(Alert.campaign), selectinload(Alert.countries))
    held = select(Alert).where(Alert.id == alert.id).options(*parts)
    # forms are taken meanwhile: they need only that the alert stays
    held = held.with_for_update(key_share=True)
    await session.execute(held.execution_options(populate_existing=True))


async def drop(session: AsyncSession, alert: Alert) -> None:
    """Forget what was saved; the alert stays as it stands."""
    await session.execute(delete(DraftSection).where(DraftSection.alert_id == alert.id))
    alert.draft_base = ""
    await session.flush()


async def _write(
    session: AsyncSession, alert: Alert, standing: Section, content: Content, by: str
) -> bool:
    """False when somebody else saved this part at this very moment."""
    row = {"content": content, "changed_at": clock.now(), "changed_by": by}
    if standing.version <= 0:
        return await _write_first(session, alert, {"name": standing.name, "version": 1, **row})
    changed = await session.execute(
        update(DraftSection)
        .where(
            DraftSection.alert_id == alert.id,
            DraftSection.name == standing.name,
            DraftSection.version == standing.version,
        )
        .values(version=standing.version + 1, **row)
        .returning(DraftSection.version)
        .execution_options(synchronize_session=False)
    )
    return changed.scalar_one_or_none() is not None


async def _write_first(session: AsyncSession, alert: Alert, row: dict[str, object]) -> bool:
    if not await is_begun(session, alert):
        templates = await newest_templates(session, alert.id)
        alert.draft_base = contents.seal(contents.of_alert(alert, templates))
    written = insert_for(session)(DraftSection).values(alert_id=alert.id, **row)
    done = await session.execute(written.on_conflict_do_nothing().returning(DraftSection.version))
    return done.scalar_one_or_none() is not None


def _part(draft: Draft, name: str) -> Section:
    return draft.sections.get(name) or draft.removed.get(name) or Section(name, {})


def _section(row: DraftSection) -> Section:
    return Section(row.name, row.content, row.version, row.changed_at, row.changed_by)
