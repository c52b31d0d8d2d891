"""Drafts begun before alerts could say how supporters send, and whom an address is for."""

from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.drafts import assembling, contents, keeping, showing
from app.campaigns.drafts.keeping import Draft
from app.db import Database
from app.models import Alert, AlertState, AlertTranslation, DraftSection, OwnMailbox
from tests.campaigns.test_life import drafted
from tests.grounds.alerts import MINE_BAN
from tests.grounds.databases import once

pytestmark = pytest.mark.usefixtures("furnished")
MARI = "mari@example.org"
NEWER = {
    *("own_mailbox", "editable", "refused_words"),
    *("postal_address_roles", "language_note_roles"),
}
ours = Alert.slug == MINE_BAN


def older(content: Any) -> Any:
    """The same as the version before kept it."""
    if isinstance(content, dict):
        return {key: older(value) for key, value in content.items() if key not in NEWER}
    return [older(one) for one in content] if isinstance(content, list) else content


async def begun(session: AsyncSession) -> Draft:
    """A draft in which each part was saved, and the number of which was written, by the version
    before; of an alert that uses nothing that is newer."""
    plain = {"own_mailbox": OwnMailbox.OFFERED, "editable": False, "refused_words": []}
    await session.execute(update(Alert).where(ours).values(plain))
    alert = (await drafted(session)).alert
    await session.execute(delete(AlertTranslation).where(AlertTranslation.alert_id == alert.id))
    await session.refresh(alert)
    await session.refresh(alert, ["translations"])
    for country in alert.countries:
        country.postal_address_roles = country.language_note_roles = []
    await session.flush()
    parts = {name: older(one.content) for name, one in (await drafted(session)).sections.items()}
    alert.draft_base = contents.seal(parts)
    for name, content in parts.items():
        session.add(
            DraftSection(
                alert_id=alert.id,
                name=name,
                content=content,
                version=1,
                changed_at=alert.created_at,
                changed_by=MARI,
            )
        )
    await session.flush()
    return await drafted(session)


@once
async def test_one_is_shown_and_published_and_nobody_is_said_to_have_changed_the_alert(
    database: Database,
) -> None:
    async with database.transaction() as session:
        draft = await begun(session)
        assert draft.begun
        assert not draft.base_moved
        assert (await showing.shown(session, draft, delivery="sandbox")).offices
        await assembling.publish(session, draft, state=AlertState.PUBLISHED, by=MARI)
    async with database.reading() as session:
        found = (await drafted(session)).alert
        assert found.own_mailbox == OwnMailbox.OFFERED
        assert not found.editable


@once
@pytest.mark.parametrize("changed", [{"editable": True}, {"title": "Another"}])
async def test_what_was_changed_since_is_still_said(
    database: Database, changed: dict[str, Any]
) -> None:
    async with database.transaction() as session:
        alert = (await begun(session)).alert
        for name, value in changed.items():
            setattr(alert, name, value)
        await session.flush()
        assert (await keeping.read(session, alert)).base_moved
