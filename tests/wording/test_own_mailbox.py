"""A letter as links into people's own mail programs: nothing of it is lost or misread."""

from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from app.wording.own_mailbox import PROGRAMS, OwnMailbox, Way, offer
from app.wording.render import LetterText

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=3_000)
line = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300)

STARTS = {
    "mail": "mailto:",
    "gmail": "https://mail.google.com/mail/?view=cm&fs=1&to=",
    "outlook": "https://outlook.office.com/mail/deeplink/compose?to=",
    "outlook_com": "https://outlook.live.com/mail/0/deeplink/compose?to=",
}


def parts(way: Way) -> tuple[str, dict[str, str]]:
    """As the program reads it: a plus sign is a plus sign (RFC 6068 5; webmail reads %2B so)."""
    start = STARTS[way.program]
    assert way.link.startswith(start)
    to, _, query = way.link.removeprefix(start).partition("?" if way.program == "mail" else "&")
    fields = [one.partition("=") for one in query.split("&") if one]
    return unquote(to), {name: unquote(value) for name, _, value in fields}


def way_of(offered: OwnMailbox, program: str) -> Way:
    (found,) = [one for one in offered.ways if one.program == program]
    return found


def test_a_short_letter_is_in_each_link_whole() -> None:
    letter = LetterText("Jääge & stay + 100 %?", "Dear Minister,\n\nplease stay.\n\nMari #1\n")
    offered = offer("pm+treaty@valitsus.example", letter)
    assert offered.whole
    assert [one.program for one in offered.ways] == list(PROGRAMS)
    mail = way_of(offered, "mail").link
    assert mail.startswith("mailto:pm%2Btreaty@valitsus.example?subject=J%C3%A4%C3%A4ge%20")
    assert "%0D%0A%0D%0Aplease%20stay." in mail
    for way in offered.ways:
        to, fields = parts(way)
        assert to == "pm+treaty@valitsus.example"
        assert fields == {
            ("su" if way.program == "gmail" else "subject"): "Jääge & stay + 100 %?",
            "body": "Dear Minister,\r\n\r\nplease stay.\r\n\r\nMari #1",
        }


def test_a_long_letter_leaves_its_text_to_be_copied() -> None:
    offered = offer("pm@example.org", LetterText("Stay", "õ" * 400))
    assert not offered.whole
    mail = way_of(offered, "mail")
    assert (mail.link, mail.whole) == ("mailto:pm@example.org?subject=Stay", False)
    assert not way_of(offered, "outlook").whole
    assert way_of(offered, "gmail").whole  # it takes longer links


def test_a_subject_that_is_a_letter_itself_stays_out_of_the_links() -> None:
    offered = offer("pm@example.org", LetterText("x" * 10_000, "Stay."))
    assert way_of(offered, "mail").link == "mailto:pm@example.org"
    assert {parts(way)[0] for way in offered.ways} == {"pm@example.org"}
    assert not any(way.whole for way in offered.ways)


def test_without_an_address_the_letter_opens_to_nobody() -> None:
    """So it is in practice: the letter is there, and no office."""
    offered = offer("", LetterText("Stay", "Please."))
    assert way_of(offered, "mail").link == "mailto:?subject=Stay&body=Please."
    assert {parts(way)[0] for way in offered.ways} == {""}
    assert not any("@" in way.link for way in offered.ways)


@given(local=line.filter(bool), subject=line, body=text)
def test_nothing_that_people_type_leaves_its_place(local: str, subject: str, body: str) -> None:
    address = f"{local}@example.org"
    for way in offer(address, LetterText(subject, body)).ways:
        assert len(way.link) <= PROGRAMS[way.program].longest
        assert way.link.isascii()
        assert not set(way.link) & set(" \r\n\"'<>\\`{}|^")
        to, fields = parts(way)
        assert to == address
        of_subject = PROGRAMS[way.program].subject
        assert fields.keys() <= {of_subject, "body"}
        assert fields.get(of_subject, subject) == subject
        assert way.whole == ("body" in fields)
        if way.whole:
            assert fields["body"].replace("\r\n", "\n") == body.rstrip("\n")
