"""Letters written without a database, and what mail programs read in them."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

from hypothesis import strategies as st

from app import clock
from app.delivery.messages import message
from app.models import Contact, Letter, LetterTemplate, Submission, Target
from app.outbox.claims import Claim
from app.settings import Settings
from app.wording.render import LetterText

SETTINGS = Settings(
    _env_file=None,
    secret_key="a secret for tests only",
    mail_domain="letters.example.org",
    organisation_name="Mine Ban Campaign",
)
NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
typed = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    # what a writer by hand could trip over, among letters that stay as they are
    st.text('aõ 😀=?_."\\\t\r\n<>,:;()[]@\u202e\u0301\u2028\x85\x00-', max_size=200),
    st.lists(st.sampled_from(["long-word" * 12, "Mari", "Mägi", "From ", "\n", " ", "."])).map(
        "".join
    ),
)
WORD_FOR_WORD = typed.filter(lambda text: "\0" not in text)


def claim(**changes: Any) -> Claim:
    values = {
        "name": "Mari Mägi",
        "email": "mari@example.org",
        "office": "pm@example.org",
        "delivery": "sandbox",
        "message_id": "<0123456789abcdef@letters.example.org>",
    } | changes
    return Claim(
        letter=Letter(id=7, message_id=values["message_id"], delivery=values["delivery"]),
        submission=Submission(name=values["name"], email=values["email"], language="en"),
        target=Target(),
        contact=Contact(email=values["office"]),
        template=LetterTemplate(language="et"),
        country=None,  # type: ignore[arg-type]  # a message does not ask for it
    )


def written(text: LetterText | None = None, **changes: Any) -> message.Message:
    with clock.held(NOON):
        return message.of_letter(
            claim(**changes), text or LetterText("Please stay", "Dear Minister,\n"), SETTINGS
        )


def read(raw: bytes) -> EmailMessage:
    parsed = message_from_bytes(raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    assert parsed.defects == []
    return parsed


def name_and_address(raw: bytes, header: str) -> tuple[str, str]:
    """As a mail program reads them: Python's newer parser puts spaces between encoded words."""
    name, address = parseaddr(message_from_bytes(raw)[header])
    return str(make_header(decode_header(name))), address
