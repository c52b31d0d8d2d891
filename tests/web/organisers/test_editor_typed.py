"""What stands in an editor's fields is what was saved, and what two wrote is told apart."""

from string import printable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData

from app.campaigns.drafts.contents import CALL, COUNTRIES, RESOURCES, SENDING, SHARING, TEXTS
from app.web.organisers.editor import differences, typed

LINES = st.text(printable.strip() + "äß—", min_size=1, max_size=20)
TEXTS_OF_PEOPLE = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=60)
WORDS = "sending-refused_words"
WRITTEN = st.builds(lambda first, more: f"{first}\n\n{more}", LINES, TEXTS_OF_PEOPLE)


def posted(section: str, content: dict[str, Any]) -> FormData:
    """The form that the page makes of a part, with the empty row at the end of a list."""
    fields = [(f"{section}-{name}", text) for name, text in content.items()]
    if section in typed.LISTS:
        name, columns = typed.LISTS[section]
        rows = [row if isinstance(row, dict) else {"text": row} for row in content[name]]
        fields = [one for one in fields if one[0] != f"{section}-{name}"]
        for n, row in enumerate([*rows, dict.fromkeys(columns, "")]):
            for one, text in row.items():
                ticked = text if isinstance(text, list) else [text]
                fields += [(f"{name}-{n}-{one}", each) for each in ticked]
    if section == SENDING:
        fields = [one for one in fields if one[0] not in {"sending-default_roles", WORDS}]
        fields += [("sending-default_roles", role) for role in content["default_roles"]]
        fields.append((WORDS, "\n".join(content["refused_words"])))
        fields = [one for one in fields if one != ("sending-editable", False)]
    return FormData([(name, str(text).replace("\n", "\r\n")) for name, text in fields])


@given(title=LINES, summary=TEXTS_OF_PEOPLE, body=WRITTEN)
def test_a_call_comes_back_as_it_was_typed(title: str, summary: str, body: str) -> None:
    content = {"title": " ".join(title.split()), "summary": summary, "body": body}
    read = typed.read(CALL, posted(CALL, content))
    assert (dict(read.content), read.faults) == (content, {})


@given(st.lists(WRITTEN, max_size=4), st.lists(WRITTEN, max_size=4))
def test_rows_come_back_as_they_were_typed_and_empty_ones_vanish(
    prompts: list[str], share: list[str]
) -> None:
    sending = {"default_roles": ["defence", "president"], "prompts": prompts, "expected": "1000"}
    sending |= {"own_mailbox": "preferred", "editable": bool(prompts), "refused_words": ["moron*"]}
    assert typed.read(SENDING, posted(SENDING, sending)).content == sending
    sharing = {"share": [{"channel": "short", "text": text} for text in share]}
    assert typed.read(SHARING, posted(SHARING, sharing)).content == sharing


def test_rows_go_where_their_number_says_and_out_when_they_are_ticked() -> None:
    form = FormData(
        [
            *[("prompts-0-text", "last"), ("prompts-0-order", "9")],
            *[("prompts-1-text", "gone"), ("prompts-1-gone", "on"), ("prompts-1-order", "1")],
            *[("prompts-2-text", "first"), ("prompts-2-order", "2")],
            *[("prompts-3-text", "  \r\n"), ("prompts-4-text", "new")],
        ]
    )
    assert typed.read(SENDING, form).content["prompts"] == ["first", "last", "new"]


def test_a_country_is_added_once_and_begins_today() -> None:
    row: dict[str, Any] = {"code": "EE", "added_on": "2025-03-20", "record": "It joined in 2004."}
    row |= dict.fromkeys(("postal_address", "language_note", "reply_note"), "")
    row |= {"postal_address_roles": ["president", "speaker"], "language_note_roles": []}
    form = posted(COUNTRIES, {"countries": [row]})
    for add in ("EE", "", "fi", "<b>"):
        read = typed.read(COUNTRIES, FormData([*form.multi_items(), ("add", add)]))
        assert read.content == {"countries": [row]}
    read = typed.read(COUNTRIES, FormData([*form.multi_items(), ("add", "FI")]))
    first, second = read.content["countries"]
    assert first == row
    assert (second["code"], second["record"], len(second["added_on"])) == ("FI", "", 10)


def test_each_refused_word_stands_once_as_it_was_typed_first() -> None:
    form = FormData([(WORDS, " Moron* \r\n\r\nmoron*\nbad  word"), ("sending-own_mailbox", "no")])
    read = typed.read(SENDING, form).content
    assert (read["refused_words"], read["own_mailbox"]) == (["Moron*", "bad word"], "offered")
    assert read["editable"] is False


def test_a_text_to_copy_gets_an_address_of_its_own_and_keeps_it() -> None:
    texts = [
        {"key": "", "title": "Õhtune kõne!", "use": "", "audience": "media", "text": "x"},
        {"key": "ohtune-kone", "title": "B", "use": "", "audience": "media", "text": "y"},
        {"key": "", "title": "", "use": "", "audience": "media", "text": "z"},
    ]
    read = typed.read(TEXTS, posted(TEXTS, {"texts": texts})).content["texts"]
    assert [one["key"] for one in read] == ["ohtune-kone", "ohtune-kone-2", "text"]
    again = typed.read(TEXTS, posted(TEXTS, {"texts": read})).content["texts"]
    assert again == read


def test_what_is_too_long_is_kept_and_told_at_its_field_after_the_rows_were_ordered() -> None:
    long = {"resources-7-note": "x" * 2_001, "resources-2-title": "A", "resources-7-title": "B"}
    read = typed.read(RESOURCES, FormData([*long.items()]))
    assert read.faults == {"resources-1-note": typed.TooLong(2_000)}
    assert read.content["resources"][1]["note"] == "x" * 2_001
    body = typed.read(CALL, FormData([("call-body", "õ" * 60_001), ("call-title", "t" * 200)]))
    assert body.faults == {"call-body": typed.TooLong(60_000)}
    many = FormData([(f"prompts-{n}-text", "x") for n in range(101)])
    assert typed.read(SENDING, many).faults == {"prompts": typed.TooLong(100, rows=True)}


def test_no_control_character_reaches_the_database() -> None:
    read = typed.read(
        CALL, FormData([("call-title", "a\x00b\r\nc"), ("call-body", "a\x00\tb\x85")])
    )
    assert read.content["title"] == "ab c"
    assert read.content["body"] == "a\tb"


@pytest.mark.parametrize(
    ("section", "place", "field"),
    [
        ("call", "title", "call-title"),
        ("dates", "opens_at", "dates-opens_at"),
        ("dates", "closes_on", "dates-closes_on"),
        ("countries", "countries.2", "countries-2"),
        ("countries", "countries.0.record", "countries-0-record"),
        ("countries", "countries", "countries"),
        ("sending", "default_roles", "sending-default_roles"),
        ("sending", "prompts.1", "prompts-1-text"),
        ("sending", "refused_words.3", "sending-refused_words"),
        ("sending", "own_mailbox", "sending-own_mailbox"),
        ("call", "campaign.stages", "call"),
    ],
)
def test_a_fault_leads_to_its_field(section: str, place: str, field: str) -> None:
    assert typed.anchor(section, place) == field


@given(st.text(max_size=80), st.text(max_size=80))
def test_both_texts_can_be_read_out_of_their_differences(theirs: str, yours: str) -> None:
    pieces = differences.pieces(theirs, yours)
    assert "".join(one.text for one in pieces if one.of != "yours") == theirs
    assert "".join(one.text for one in pieces if one.of != "theirs") == yours


def test_only_the_fields_that_differ_are_told() -> None:
    theirs = {"title": "A", "summary": "same", "countries": [{"code": "EE", "record": "old"}]}
    yours = {"title": "B", "summary": "same", "countries": [{"code": "EE", "record": "new"}]}
    found = differences.between(theirs, yours)
    assert [(one.field, one.row, one.theirs) for one in found] == [
        ("title", 0, "A"),
        ("record", 1, "old"),
    ]


def test_long_texts_are_compared_in_time() -> None:
    words = " ".join(f"word{n}" for n in range(9_000))
    pieces = differences.pieces(words, words.replace("word10", "other"))
    assert {one.of for one in pieces} == {"theirs", "yours"}
    lines = "".join(f"line {n} with a few words\n" for n in range(1_000))
    kept, *changed = differences.pieces(lines, f"{lines}end")
    assert (kept.of, [one.text for one in changed]) == ("both", ["end"])
