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


async def test_one_message_with_the_headers_that_were_meant(
    database: Database, settings: Settings, furnished: None
) -> None:
    typed = {f"mari-{number}@example.org": text for number, text in enumerate(TYPED)}
    fields = ("name", "city", "subject", "own_words")
    people = [dict.fromkeys(fields, text) | {"email": email} for email, text in typed.items()]
    messages = await sent(database, settings, *people)
    assert messages.keys() == typed.keys()
    for email, raw in messages.items():
        read = message_from_bytes(raw, policy=policy.default)
        assert isinstance(read, EmailMessage)
        text = typed[email]
        names = sorted(name.lower() for name in read.keys())  # noqa: SIM118 twins count
        assert names == sorted(MEANT), text
        assert read.defects == [], text
        assert read["To"].addresses[0].addr_spec == "riigikantselei@riigikantselei.ee", text
        assert [one.addr_spec for one in read["Reply-To"].addresses] == [email], text
        assert len(read["From"].addresses) == 1, text
        assert all(len(line) <= 998 for line in raw.split(b"\r\n")), text
        body = read.get_content().replace("\r\n", "\n")
        words = forms.clean(text, one_line=False)
        assert f"\n\n{words}\n\n" in body, text
        assert body.endswith(f"\n{forms.clean(text)}\n{forms.clean(text)}, Estonia\n"), text


async def test_ten_thousand_characters_leave_whole_and_one_more_is_told_at_its_field(
    database: Database, settings: Settings, furnished: None
) -> None:
    # no word twice: what says the same over and over is refused
    many = ("".join(one) for one in product("aeiouõ", "klmnr", "aeiou", "pstv", "aeiou"))
    words = " ".join(f"{one}🕊" for one in many)[:9_999] + "!"
    (raw,) = (await sent(database, settings, {"own_words": words})).values()
    assert words in message_from_bytes(raw, policy=policy.default).get_content()  # type: ignore[attr-defined]
    alert = await mine_ban(database)
    for field in ("name", "city", "subject", "own_words"):
        with pytest.raises(FormRefused) as refusal:
            await submitted(database, settings, alert, filled(**{field: "x" * 10_001}))
        assert refusal.value.fields == {field: "too_long"}


async def sent(database: Database, settings: Settings, *people: dict[str, str]) -> dict[str, bytes]:
    """The letters to Estonia as they arrived in the sandbox mailbox, byte for byte, by who wrote
    each."""
    alert = await mine_ban(database)
    for typed in people:
        kept = await submitted(database, settings, alert, filled(countries=["EE"], **typed))
        async with database.transaction() as session:
            await session.execute(update(Notice).values(status="cancelled"))
        await confirmed(database, settings, kept.public_id)

    async def left() -> bool:
        return await statuses(database) == {"handed_over": len(people)}

    async with working(settings, database):
        await until(left)
    raws = [bytes(message.raw) for message in await all_of(database, SandboxMessage)]
    assert len(raws) == len(people)
    return {_of(raw): raw for raw in raws}


def _of(raw: bytes) -> str:
    """Whom an office would answer."""
    return str(message_from_bytes(raw, policy=policy.default)["Reply-To"].addresses[0].addr_spec)
