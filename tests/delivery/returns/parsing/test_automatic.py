"""An automatic reply is never a bounce, whatever its text says; a bounce is, whoever sends it.

All people, offices and telephones here are made up.
"""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.db import Database
from app.delivery.messages.message import bounce_address
from app.delivery.returns.reading import Kind, read
from app.delivery.returns.taking import Took, take
from app.models import Contact, LetterStatus, Notice
from app.settings import Settings
from tests.delivery.returns import sample
from tests.grounds.databases import once
from tests.grounds.rows import all_of, statuses

OFFICE = "keep-the-treaty-0@example.org"
# as Exchange sends them: by a person, with an empty envelope; dates and telephones like codes
REPLIES = {
    "sv": ("Automatiskt svar: Behåll avtalet", "Jag är på semester, tillbaka 5.1.27. Tel 5.5.50."),
    "sv tel": ("Autosvar", "Tack för ditt brev. Telefon 09 550 41 22, rum 554 A."),
    "nb": ("Automatisk svar: Traktaten", "Jeg er tilbake 4.1.27. Ring 22 550 412."),
    "da": ("Autosvar: Traktaten", "Jeg er på ferie til d. 5.1.27, tlf. 45 50 55 10."),
    "de": (
        "Abwesenheitsnotiz: Bitte",
        "Ich bin wieder da am 5.1.27.\nDurchwahl: -550 (Frau Muster)",
    ),
    "et": ("Puhkus", "Olen puhkusel kuni 5.1.27. Kiireloomulised: 6 550 412"),
    "et tel": ("Teie kiri", "Telefon: 551 Tallinn, tuba 4.5.1"),
    "lv": ("Prombūtne", "Atgriezīšos 5.1.27. Tālr. 67 550 412, kabinets 4.2.1"),
    "lt": ("Atsakymas: gavome", "Gavome. Tel. (8 5) 550 4123, (8 5) 550 Vilnius"),
    "pl": ("Jestem na urlopie", "Wracam 5.1.27 r., pokój 5.2.1, tel. 22 550 41 22"),
    "fi": ("Poissa", "Palaan töihin 5.1.27. Puh. 09 550 4122. Terveisin 550 Esimerkki"),
    "ru": ("Автоответ: договор", "Вернусь 4.1.27, тел. 67 550 412"),
    "uk": ("Автоматична відповідь", "Буду 5.1.27. Тел.: 550 Олена"),
    "fr": ("Absence : traité", "De retour le 5.1.27. Poste : 554 ou 01 55 50 41 22."),
    "es": ("Fuera de la oficina", "Vuelvo el 5.1.27; extensión 550 (Ana)."),
    "it": ("Risposta automatica", "Torno il 5.1.27, interno 550 'Ufficio'."),
    "hu": ("Automatikus válasz", "2027. 5.1.27-ig szabadságon. Mellék: 550 Anna"),
    "ro": ("Răspuns automat", "Revin pe 5.1.27. Interior 552 (Ana), nr. 5.1.1"),
    "en": ("Thank you", "I am back on 5.1.27. Not yet been read. Case: 550 Treaty; version 5.1.1"),
}
DECLARED = "Auto-Submitted: auto-generated\nX-Auto-Response-Suppress: All\n"
HEADERS = {"exchange": DECLARED, "rfc": "Auto-Submitted: auto-replied\n", "silent": ""}
# the letter that some programs put below their answer
ENCLOSED = (
    "--=_x\nContent-Type: message/rfc822\n\n"
    "Return-Path: <letters@letters.example>\nSubject: Keep it\n\n"
    "I was told 550 5.1.1 unknown.\n\nAction: failed\nStatus: 5.1.1\n--=_x--\n"
)


def reply(
    subject: str,
    words: str,
    *,
    headers: str = DECLARED,
    sender: str = "Kadri Näidis <registry@example.org>",
    to: str = sample.ADDRESS,
    answers: str = sample.MESSAGE_ID,
    enclosed: bool = False,
) -> bytes:
    head = (
        f"Return-Path: <>\nFrom: {sender}\nTo: <{to}>\nSubject: {subject}\n{headers}"
        f"In-Reply-To: {answers}\nMessage-ID: <abc@example.org>\nMIME-Version: 1.0\n"
    )
    plain = f"Content-Type: text/plain; charset=utf-8\n\n{words}\n"
    if enclosed:
        whole = 'Content-Type: multipart/mixed; boundary="=_x"\n\n'
        plain = f"{whole}--=_x\n{plain}{ENCLOSED}"
    return (head + plain).replace("\n", "\r\n").encode("utf-8", "replace")


@pytest.mark.parametrize("enclosed", [False, True])
@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("language", REPLIES)
def test_an_automatic_reply_without_an_envelope_sender_is_no_bounce(
    language: str, headers: str, enclosed: bool
) -> None:
    subject, words = REPLIES[language]
    found = read(reply(subject, words, headers=headers, enclosed=enclosed))
    assert (found.kind, found.recipients) == (Kind.AUTOMATIC, ())
    assert sample.ADDRESS in found.addresses


@pytest.mark.parametrize("words", ["Back on 5.1.27.", "Tel. (8 5) 550 4123", "on 4.1.27, room 550"])
def test_a_date_or_a_telephone_is_no_code_even_where_a_mail_server_writes_it(words: str) -> None:
    found = read(reply("Your mail", words, headers="", sender="postmaster@example.org"))
    assert found.kind is Kind.UNREADABLE


NUMBERS = st.text(st.sampled_from("0123456789.,-/()#:;+ \nabTel"), max_size=60)


@given(NUMBERS, st.text(max_size=200), st.sampled_from(sorted(HEADERS)))
@example("550 5.1.1", "", "exchange")
@example("#5.1.1 Status: 5.7.1", "smtp; 554 5.7.1 no", "rfc")
@example("Action: failed\nStatus: 5.1.1\nFinal-Recipient: rfc822; a@example.org", "", "silent")
def test_no_number_in_a_persons_automatic_reply_makes_it_a_bounce(
    numbers: str, words: str, headers: str
) -> None:
    raw = reply("Vastus", f"{words}\n{numbers} {words}", headers=HEADERS[headers])
    assert read(raw).kind not in {Kind.BOUNCE, Kind.REPORT}


@pytest.mark.parametrize(
    ("name", "action", "enhanced"),
    [
        ("exchange-plain", "failed", "5.1.1"),
        ("office365-plain", "failed", "5.7.1"),
        ("postfix-plain", "failed", "5.1.1"),
        ("qmail-remote", "failed", "5.0.0"),
        ("lotus", "failed", "5.1.1"),
        ("yandex", "failed", "5.7.1"),
        ("gateway-with-letter", "failed", "5.1.1"),
    ],
)
def test_a_server_that_says_it_in_its_own_way_is_understood(
    name: str, action: str, enhanced: str
) -> None:
    (told,) = read(sample.raw(name)).recipients
    assert (told.action, told.enhanced) == (action, enhanced)


@pytest.mark.parametrize(
    ("words", "enhanced"),
    [
        ("Remote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound'", "5.1.10"),
        ("#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##", "5.1.1"),
        ("There was a problem. <mx.example.org #5.1.1 smtp;550 no such user>", "5.1.1"),
        ("Sorry, I couldn't find any host by that name. (#5.1.2)", "5.1.2"),
        ("550-5.1.1 The account does not exist.", "5.1.1"),
        ("... while talking to mx.example.org.:\n<<< 554 Service unavailable", "5.0.0"),
        ("mx.example.org said: 550 no mailbox", "5.0.0"),
        ("Error code: 550 (mailbox unavailable)", "5.0.0"),
        ("Status: 5.2.1", "5.2.1"),
        ("<pm@example.org>: 5.1.1 User unknown", "5.1.1"),
        ("dsn=5.4.4, stat=Host unknown", "5.4.4"),
    ],
)
def test_the_usual_shapes_of_a_code_are_found(words: str, enhanced: str) -> None:
    (told,) = read(
        reply("Your mail", words, headers="", sender="MAILER-DAEMON@example.org")
    ).recipients
    assert (told.action, told.enhanced) == ("failed", enhanced)


# ── and what it does to a letter ──


async def take_for(database: Database, settings: Settings, words: str, **changes: str) -> Took:
    letter = await sample.make_letter(database, status=LetterStatus.ACCEPTED)
    to = bounce_address("b", letter.id, settings)
    raw = reply("Teie kiri", words, to=to, answers=letter.message_id, **changes)  # type: ignore[arg-type]
    return await take(database, settings, raw, envelope_to=to)


@once
async def test_an_accepted_letter_stays_accepted_when_somebody_is_on_leave(
    database: Database, settings: Settings
) -> None:
    took = await take_for(database, settings, "Olen puhkusel kuni 5.1.27, tel. 6 550 412")
    assert (took.kind, took.action, took.changed) == ("automatic", "", "")
    assert await statuses(database) == {"accepted": 1}
    (contact,) = await all_of(database, Contact)
    assert contact.review_at is None
    assert await all_of(database, Notice) == []


@pytest.mark.parametrize(
    ("address", "kind", "changed"),
    [(OFFICE, "bounce", "bounced"), ("somebody@example.net", "automatic", "")],
)
async def test_a_server_without_a_name_is_believed_about_the_office_and_about_nobody_else(
    database: Database, settings: Settings, address: str, kind: str, changed: str
) -> None:
    words = f"Your message could not be delivered to\n{address}\n"
    changes = {"headers": "", "sender": "Gateway <gateway@example.org>"}
    took = await take_for(database, settings, words, **changes)
    assert (took.kind, took.changed) == (kind, changed)
    assert took.action == ("failed" if changed else "")
