"""Every page that a supporter can meet, and the one database in which all of them are there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.campaigns import packs
from app.contacts import imports
from app.db import Database
from app.letters import own
from app.letters.asking import stopping
from app.letters.mine import forgetting
from app.models import Letter, Submission
from app.outbox import queue
from app.settings import Settings
from app.tokens import CONFIRM, LETTERS, LOOK, STOP, link_token
from tests.grounds.alerts import MINE_BAN, ROOT, confirmed, filled, mine_ban, submitted
from tests.outbox.one_form import attempt, end

ALERT = f"/alerts/{MINE_BAN}"
ENDED = "/alerts/example"
FRAGMENT = {"X-Fragment": "letters"}
HALF_FILLED = {"seed": "7", "name": "Mari Mägi", "city": "Tartu"}

WRITTEN = HALF_FILLED | {"country": "EE"}


@dataclass(frozen=True)
class Visited:
    """A page by name: how to come there, and the status it answers with.

    `form`: what is posted to it; None for a page that a link leads to. `like`: the page that it is
    a shape of, for whoever has no time for both.
    """

    name: str
    path: str
    status: int = 200
    form: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    like: str = ""

    async def by(self, client: httpx.AsyncClient, language: str) -> httpx.Response:
        """Somebody with a browser in that language comes here."""
        asking = {"Accept-Language": language, **self.headers}
        if self.form is None:
            return await client.get(self.path, headers=asking)
        return await client.post(self.path, data=dict(self.form), headers=asking)


async def everywhere(database: Database, settings: Settings) -> list[Visited]:
    """Every page, in a database that was `furnished`."""
    await _other_alerts(database)
    written = await _written(database, settings)
    async with database.reading() as session:
        office = await session.scalar(select(Letter.target_id).order_by(Letter.id).limit(1))
    assert office
    return [
        *_alerts(office),
        *await _until_confirmed(database, settings),
        *await _mine(database, settings, written),
        Visited("counts", f"{ALERT}/counts"),
        Visited("counts of nothing", f"{ENDED}/counts", like="counts"),
        Visited("nothing here", "/alerts/never-written", 404, like="link too old"),
    ]


def _alerts(office: int) -> list[Visited]:
    """What anybody can open, and what the alert's form answers. `office`: one it writes to."""
    wrong = f"{ALERT}/offices/{office}/wrong-address"
    return [
        Visited("index", "/"),
        Visited("alert", ALERT),
        Visited("form refused", ALERT, 422, HALF_FILLED),
        Visited("preview", f"{ALERT}/preview", form=HALF_FILLED, like="form refused"),
        Visited("a letter rewritten", f"{ALERT}/preview", form=WRITTEN | {"edit": str(office)}),
        Visited("letters of the preview", f"{ALERT}/preview", 200, HALF_FILLED, FRAGMENT),
        Visited("own mailbox", f"{ALERT}/own-mailbox", form=WRITTEN),
        Visited("embed", f"{ALERT}/embed"),
        Visited("embed refused", f"{ALERT}/embed", 422, HALF_FILLED, like="embed"),
        Visited("embed, look in your mail", f"{ALERT}/embed/look-in-your-mail"),
        Visited("share", f"{ALERT}/share"),
        Visited("share on Mastodon", f"{ALERT}/share/mastodon"),
        Visited("a Mastodon server", f"{ALERT}/share/mastodon?server=x.example", like="share"),
        Visited("no Mastodon server", f"{ALERT}/share/mastodon?server=-", 422, like="share"),
        Visited("guide", "/alerts/urgent-action-request"),
        Visited("closed", ENDED),
        Visited("wrong address", wrong),
        Visited("thanks", f"{wrong}?done=thanks", like="wrong address"),
    ]


async def _until_confirmed(database: Database, settings: Settings) -> list[Visited]:
    """Between the form and its confirmation, and where that link is used too late."""
    waiting, expired = await _waiting(database, settings), await _expired(database, settings)
    forgotten = await _forgotten(database, settings)
    look = f"{ALERT}/look-in-your-mail?for={link_token(settings, LOOK, waiting.public_id)}"

    def link(kept: Submission) -> str:
        return f"/confirm/{link_token(settings, CONFIRM, kept.public_id)}"

    return [
        Visited("look in your mail", look),
        Visited("a wrong code", look, 422, {"code": "12"}, like="look in your mail"),
        Visited("without its token", f"{ALERT}/look-in-your-mail", like="look in your mail"),
        Visited("confirm", link(waiting)),
        Visited("link too old", link(expired), 410),
        Visited("no consent", f"{link(expired)}/anew", 422, {}, like="link too old"),
        Visited("link of a forgotten form", link(forgotten), 410, like="link too old"),
        Visited("this was not me", _stop(settings, waiting)),
        Visited("no more mail", _stop(settings, await _stopped(database, settings))),
    ]


async def _mine(database: Database, settings: Settings, written: Submission) -> list[Visited]:
    """Behind the link to one's own letters."""
    mine = f"/letters/{link_token(settings, LETTERS, written.public_id)}"
    taken, refused = await _left(database, written)
    return [
        Visited("letters", mine),
        Visited("letters as they stand now", f"{mine}/live", headers=FRAGMENT),
        Visited("receipt", f"{mine}/receipts/{taken}"),
        Visited("receipt of a refusal", f"{mine}/receipts/{refused}", like="receipt"),
        Visited("forget me", f"{mine}/forget"),
        Visited("forgotten", f"{mine}/forgotten", like="forget me"),
        Visited("never again", _stop(settings, written), like="this was not me"),
    ]


async def _other_alerts(database: Database) -> None:
    """A guide, and an alert that has ended."""
    folders = ROOT / "templates" / "letters"
    async with database.transaction() as session:
        guide = packs.load_folder(folders / "urgent-action-request")
        await packs.put(session, guide, organisation_id=1)
        await imports.write(session, imports.read(ROOT / "contacts" / "example.csv"))
        ended = await packs.put(session, packs.load_folder(folders / "example"), organisation_id=1)
        ended.state = "closed"
        ended.ending, ended.ending_words = "won", "They have come back."


async def _written(database: Database, settings: Settings) -> Submission:
    """Five letters of one supporter: accepted, returned, refused, put off, withdrawn."""
    kept = await submitted(database, settings, await mine_ban(database), filled())
    await confirmed(database, settings, kept.public_id)
    async with database.transaction() as session:
        letters = await _letters(session, kept)
        taken, returned, refused, put_off, called_off = letters
        await attempt(session, taken, "taken")
        await end(session, taken, queue.ACCEPTED)
        await attempt(session, returned, "taken")
        await end(session, returned, queue.BOUNCED)
        await attempt(session, refused, "deferred", code=451, reply="4.7.1 greylisted")
        await attempt(session, refused, "rejected", code=550, reply="5.1.1 no such", number=2)
        await end(session, refused, queue.REJECTED)
        await attempt(session, put_off, "deferred", code=None, reply="", began_data=True)
        await own.withdraw(session, kept, called_off)
    return kept


async def _letters(session: AsyncSession, kept: Submission) -> Sequence[int]:
    found = await session.scalars(
        select(Letter.id).where(Letter.submission_id == kept.id).order_by(Letter.id)
    )
    return found.all()


async def _left(database: Database, kept: Submission) -> Sequence[int]:
    """The letters with a receipt: one that was taken, one refused after a second attempt."""
    async with database.reading() as session:
        taken, _, refused, *_ = await _letters(session, kept)
    return taken, refused


async def _waiting(database: Database, settings: Settings) -> Submission:
    form = filled(email="juhan@example.org", name="Juhan", own_words="🕊")
    return await submitted(database, settings, await mine_ban(database), form)


async def _expired(database: Database, settings: Settings) -> Submission:
    form = filled(email="leida@example.org", name="Leida")
    kept = await submitted(database, settings, await mine_ban(database), form)
    async with database.transaction() as session:
        await session.execute(
            update(Submission)
            .where(Submission.id == kept.id)
            .values(expires_at=clock.now() - timedelta(hours=1))
        )
    return kept


async def _forgotten(database: Database, settings: Settings) -> Submission:
    form = filled(email="aino@example.org", name="Aino")
    kept = await submitted(database, settings, await mine_ban(database), form)
    async with database.transaction() as session:
        await forgetting.forget(session, settings, kept)
    return kept


async def _stopped(database: Database, settings: Settings) -> Submission:
    form = filled(email="toomas@example.org", name="Toomas")
    kept = await submitted(database, settings, await mine_ban(database), form)
    async with database.transaction() as session:
        await stopping.stop(session, settings, kept)
    return kept


def _stop(settings: Settings, kept: Submission) -> str:
    return f"/stop/{link_token(settings, STOP, kept.public_id)}"
