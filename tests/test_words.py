"""Whatever people type leaves as one well-formed message, and their words unharmed."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import product

import pytest
from sqlalchemy import update

from app.db import Database
from app.errors import FormRefused
from app.letters import form as forms
from app.models import Notice, SandboxMessage
from app.settings import Settings
from tests.grounds.alerts import confirmed, filled, mine_ban, submitted
from tests.grounds.rows import all_of, statuses
from tests.grounds.working import until, working

MEANT = [
    "from",
    "reply-to",
    "to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "content-language",
    "content-transfer-encoding",
]
TYPED = [
    "{{ 7*7 }} {% for x in y %}",
    "=?utf-8?q?Hi=0ABcc:_x@example.org?=",
    "one\r\nBcc: x@example.org\r\n\r\nX: y",
    "tab\tnull\x00bell\x07 line\u2028paragraph\u2029next\x85",
    "👩‍👩‍👧‍👦🏳️‍🌈 🕊",
    "\u202eשלום\u202c العربية‎",
    "漢字 ไทย ქართული ᚠᚢᚦ Ελλάδα Кириллица हिन्दी Žąsis",
    '"quoted" <tag> \\back, comma; semi: (round)',
    ".\n..\n.hidden\nFrom me",
    "%(name)s %s $name ${x}",
]


@pytest.mark.parametrize("typed", TYPED)
async def test_one_message_with_the_headers_that_were_meant(
    database: Database, settings: Settings, furnished: None, typed: str
) -> None:
    raw = await sent(database, settings, name=typed, city=typed, subject=typed, own_words=typed)
    read = message_from_bytes(raw, policy=policy.default)
    assert isinstance(read, EmailMessage)
    assert sorted(name.lower() for name in read.keys()) == sorted(MEANT)  # noqa: SIM118 twins count
    assert read.defects == []
    assert read["To"].addresses[0].addr_spec == "riigikantselei@riigikantselei.ee"
    assert read["Reply-To"].addresses[0].addr_spec == "mari@example.org"
    assert len(read["From"].addresses) == 1
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    body = read.get_content().replace("\r\n", "\n")
    words = forms.clean(typed, one_line=False)
    assert f"\n\n{words}\n\n" in body
    assert body.endswith(f"\n{forms.clean(typed)}\n{forms.clean(typed)}, Estonia\n")


async def test_ten_thousand_characters_leave_whole_and_one_more_is_told_at_its_field(
    database: Database, settings: Settings, furnished: None
) -> None:
    # no word twice: what says the same over and over is refused
    many = ("".join(one) for one in product("aeiouõ", "klmnr", "aeiou", "pstv", "aeiou"))
    words = " ".join(f"{one}🕊" for one in many)[:9_999] + "!"
    raw = await sent(database, settings, own_words=words)
    assert words in message_from_bytes(raw, policy=policy.default).get_content()  # type: ignore[attr-defined]
    alert = await mine_ban(database)
    for field in ("name", "city", "subject", "own_words"):
        with pytest.raises(FormRefused) as refusal:
            await submitted(database, settings, alert, filled(**{field: "x" * 10_001}))
        assert refusal.value.fields == {field: "too_long"}


async def sent(database: Database, settings: Settings, **typed: str) -> bytes:
    """The letter to Estonia as it arrived in the sandbox mailbox, byte for byte."""
    alert = await mine_ban(database)
    kept = await submitted(database, settings, alert, filled(countries=["EE"], **typed))
    async with database.transaction() as session:
        await session.execute(update(Notice).values(status="cancelled"))
    await confirmed(database, settings, kept.public_id)
    async with working(settings, database):
        await until(lambda: _left(database))
    (message,) = await all_of(database, SandboxMessage)
    return bytes(message.raw)


async def _left(database: Database) -> bool:
    return await statuses(database) == {"handed_over": 1}
