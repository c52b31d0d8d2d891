"""A letter as a link for the supporter's own mail program: nothing of it is lost or misread."""

from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from app.wording.own_mailbox import LONGEST_LINK, offer
from app.wording.render import LetterText

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=3_000)
line = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300)


def parts(link: str) -> tuple[str, dict[str, str]]:
    """As a mail program reads it, RFC 6068 2: a plus sign is a plus sign."""
    scheme, _, rest = link.partition(":")
    assert scheme == "mailto"
    to, _, query = rest.partition("?")
    fields = [one.partition("=") for one in query.split("&") if one]
    return unquote(to), {name: unquote(value) for name, _, value in fields}


def test_a_short_letter_is_in_the_link_whole() -> None:
    letter = LetterText("Jääge & stay + 100 %?", "Dear Minister,\n\nplease stay.\n\nMari #1\n")
    offered = offer("pm+treaty@valitsus.example", letter)
    assert offered.whole
    assert offered.link.startswith("mailto:pm%2Btreaty@valitsus.example?subject=J%C3%A4%C3%A4ge%20")
    assert "%0D%0A%0D%0Aplease%20stay." in offered.link
    assert parts(offered.link) == (
        "pm+treaty@valitsus.example",
        {
            "subject": "Jääge & stay + 100 %?",
            "body": "Dear Minister,\r\n\r\nplease stay.\r\n\r\nMari #1",
        },
    )


def test_a_long_letter_leaves_its_text_to_be_copied() -> None:
    offered = offer("pm@example.org", LetterText("Stay", "õ" * 400))
    assert (offered.link, offered.whole) == ("mailto:pm@example.org?subject=Stay", False)


def test_a_subject_that_is_a_letter_itself_stays_out_of_the_link() -> None:
    offered = offer("pm@example.org", LetterText("x" * 10_000, "Stay."))
    assert (offered.link, offered.whole) == ("mailto:pm@example.org", False)


@given(local=line.filter(bool), subject=line, body=text)
def test_nothing_that_people_type_leaves_its_place(local: str, subject: str, body: str) -> None:
    address = f"{local}@example.org"
    offered = offer(address, LetterText(subject, body))
    assert len(offered.link) <= LONGEST_LINK
    assert offered.link.isascii()
    assert not set(offered.link) & set(" \r\n\"'<>\\`{}|^")
    if not offered.link:
        return
    to, fields = parts(offered.link)
    assert to == address
    if "subject" in fields:
        assert fields["subject"] == subject
    assert offered.whole == ("body" in fields)
    if offered.whole:
        assert fields["body"].replace("\r\n", "\n") == body.rstrip("\n")
