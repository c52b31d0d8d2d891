"""Everything that is wrong with a letter template is told at once, each at its place and line."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import TemplateBroken
from app.wording.examining import likeness, spam
from app.wording.examining.examination import Finding, examine
from app.wording.letter_fields import LetterFields, VariantFields, blank, read, write
from app.wording.render import LetterText
from app.wording.templates import parse

FOLDER = Path(__file__).parents[2] / "templates" / "letters" / "send-one-email"
SHIPPED = {file.name.removesuffix(".txt"): file.read_text("utf-8") for file in FOLDER.glob("*.txt")}
STAGES = ("announced", "voted", "notified", "in_effect")
GOOD = replace(
    blank("en", "Estonia", STAGES),
    reviewed=True,
    subjects=(VariantFields("Peace from {{ city }}"),),
    asks=dict.fromkeys(STAGES, "- stay;\n- and help."),
)


def found(fields: LetterFields, **more: int) -> list[Finding]:
    source = write(fields)
    return examine(source, name="EE.en", language="en", stages=STAGES, likeness_limit=70, **more)


def told(fields: LetterFields) -> list[tuple[str, str, bool]]:
    """Place, the line of the source that the finding is at, serious."""
    lines = write(fields).split("\n")
    return [(one.place, lines[one.line - 1], one.serious) for one in found(fields)]


def sentences(fields: LetterFields) -> str:
    return "\n".join(one.sentence for one in found(fields))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_letter_that_ships_has_nothing_but_its_review_to_look_at(name: str) -> None:
    language = name.partition(".")[2]
    all_of = examine(SHIPPED[name], name=name, language=language, stages=STAGES, others=SHIPPED)
    assert {one.place for one in all_of} == (set() if language == "en" else {"reviewed"})
    assert not any(one.serious for one in all_of)


def test_all_faults_are_told_at_once_each_at_its_own_line() -> None:
    broken = replace(
        GOOD,
        salutations={role: text for role, text in GOOD.salutations.items() if role != "president"},
        subjects=(*GOOD.subjects, VariantFields("Hello {{ citi }}", stages=("won",))),
        openings=(VariantFields("I write.", roles=("president",)),),
        asks={"announced": "- stay;\n- {{ name|upper }};", "voted": "- go;", "odd": "- x;"},
        body=f"{GOOD.body}\n{{% if role %}}\nnever ended",
    )
    assert set(told(broken)) == {
        ("salutations.president", "[salutations]", True),
        ("subjects.2", 'text = "Hello {{ citi }}"', True),
        ("openings", "[[openings]]", True),
        ("asks.announced", '- {{ name|upper }};"""', True),
        ("asks.notified", "[asks]", True),
        ("asks.in_effect", "[asks]", True),
        ("asks.odd", 'odd = "- x;"', True),
        ("body", "{% if role %}", True),
    }
    said = sentences(broken)
    assert "There is no variable “citi” here; did you mean “city”?" in said
    assert "The campaign knows no stage “won”." in said
    assert "No opening fits the prime minister, the defence minister," in said


def test_what_is_only_to_be_looked_at_does_not_stand_in_the_way() -> None:
    looked_at = replace(
        GOOD,
        reviewed=False,
        subjects=(
            VariantFields(
                "A letter from {{ city }} about everything that we ought to do this year"
            ),
            VariantFields("PLEASE STOP THIS WAR NOW!!"),
            VariantFields("Please stop this terrible war, it is time"),
            VariantFields("Please stop this terrible war, it is now time"),
        ),
        body="{{ salutation }}\n\n\n{{ ask }} {{ name }} click here " + "word " * 600,
    )
    assert not any(one.serious for one in found(looked_at))
    said = sentences(looked_at)
    for part in (
        "No native reader",
        "over 78 characters",
        "capitals read as shouting",
        "“!!” is loud",
        "% like the subject 3; letters should differ more",
        "two empty lines",
        "{{ own_words }} stands nowhere",
        "“click here” is what filters",
        "longer than 600 words",
    ):
        assert part in said
    assert {one.place for one in found(looked_at) if "shouting" in one.sentence} == {"subjects.2"}


@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        ({"subjects": (VariantFields("One\ntwo"),)}, "subjects.1", "A subject is one line"),
        ({"subjects": ()}, "subjects", "There is no subject yet"),
        ({"body": "{% raw %}{{ name }}{% endraw %}"}, "body", "Braces are left over"),
        ({"body": "{{ ask }}" * 600, "asks": dict.fromkeys(STAGES, "x" * 99)}, "body", "59,400"),
        ({"body": "Dear [NAME]"}, "body", "“[NAME]” looks like a gap"),
        ({"salutations": GOOD.salutations | {"king": "Sire"}}, "salutations.king", "“king”"),
    ],
)
def test_a_letter_that_could_not_leave_so_is_serious(
    change: dict[str, object], place: str, said: str
) -> None:
    serious = [one for one in found(replace(GOOD, **change)) if one.serious]  # type: ignore[arg-type]
    assert [one.place for one in serious] == [place]
    assert said in serious[0].sentence


REASONS = (
    VariantFields("A mine cannot tell a soldier from a child, and never could."),
    VariantFields("A promise is worth what it is worth in danger.", roles=("defence",)),
)


@pytest.mark.parametrize(
    ("change", "place", "said", "serious"),
    [
        ({"reasons": REASONS, "body": "{{ ask }}"}, "reasons", "stand nowhere in the letter", True),
        ({"body": "{{ reasons }}"}, "reasons", "There is no reason yet", True),
        (
            {"reasons": REASONS[1:], "body": "{{ reasons }}"},
            "reasons",
            "No reason fits the prime minister, the foreign minister",
            True,
        ),
        ({"reasons": (VariantFields("Why?", stages=("won",)),)}, "reasons.1", "no stage", True),
        ({"reasons": (VariantFields("{{ own_words }}"),)}, "reasons.1", "body only", True),
        ({"reasons": (REASONS[0], *REASONS[:1])}, "reasons.2", "both stand in one letter", False),
        ({"reasons": (VariantFields("What [FACT]"),)}, "reasons.1", "looks like a gap", True),
    ],
)
def test_what_is_wrong_with_reasons_is_told_at_their_place(
    change: dict[str, object], place: str, said: str, serious: bool
) -> None:
    told = found(replace(GOOD, **change))  # type: ignore[arg-type]
    at_place = {one.serious for one in told if one.place == place and said in one.sentence}
    assert at_place == {serious}


def test_reasons_that_are_all_right_are_not_remarked_on() -> None:
    assert found(replace(GOOD, reasons=REASONS)) == []
    assert found(GOOD) == []


def test_a_hole_where_reasons_should_stand_is_seen_in_the_finished_letter() -> None:
    only_defence = replace(
        GOOD,
        reasons=(VariantFields("{% if role == 'defence' %}One.{% endif %}"),),
        body=GOOD.body.replace("{% if reasons %}\n\n{{ reasons }}\n{% endif %}", "\n{{ reasons }}"),
    )
    assert "two empty lines" in sentences(only_defence)


def test_what_the_front_matter_does_not_know_is_told() -> None:
    source = write(GOOD).replace("reviewed = true", 'reviewed = "perhaps"\ncolour = "red"')
    said = {one.sentence for one in examine(source, name="EE.en", language="en", stages=STAGES)}
    assert "“colour” is not known here." in said
    assert any(one.startswith("“reviewed”: ") for one in said)


def test_a_letter_copied_from_another_country_is_told() -> None:
    copied = examine(
        SHIPPED["EE.en"].replace("Riigikogu", "Saeima"),
        name="LV.en",
        language="en",
        stages=STAGES,
        others=SHIPPED,
    )
    (only,) = copied
    assert only.place == "body"
    assert "% like the letter EE.en" in only.sentence


HOSTILE = {
    "five million characters": "x" * 5_000_000,
    "a hundred thousand braces": "{%" * 100_000,
    "braces": "{%" * 20_000,
    "brackets": "{{ " + "(" * 50_000,
    "choices": "{% if role %}" * 3_000,
    "choices in a row": "{% if role %}" + "{% elif role %}" * 2_500 + "{% endif %}",
    "one for ever": "{% for a in name %}{% for b in name %}x{% endfor %}{% endfor %}",
    "an endless word": "{{ 'a' * 100000000 }}",
    "a NUL": "Dear\x00you",
    "half a character": "{{ '\\ud800' }}",
    "a long number": "{{ " + "9" * 9_000 + " }}",
    "much to read": "{{ " + "role or " * 5_000 + "role }}",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_letter_is_refused_and_harms_nothing(body: str) -> None:
    source = write(GOOD).rpartition("+++\n")[0] + "+++\n" + body
    all_of = examine(source, name="EE.en", language="en", stages=STAGES)
    assert any(one.serious for one in all_of)
    assert all(len(one.sentence) < 400 for one in all_of)


@given(st.text(max_size=200))
def test_what_passes_the_examination_can_be_read_strictly(text: str) -> None:
    source = write(replace(GOOD, body=f"{text}\n{GOOD.body}", closings=(VariantFields(text),)))
    all_of = examine(source, name="EE.en", language="en", stages=STAGES)
    if not any(one.serious for one in all_of):
        assert parse(source).front.closings


@given(st.text(max_size=300))
def test_any_file_is_examined_without_an_accident(text: str) -> None:
    for source in (text, f"+++\n{text}\n+++\n", write(GOOD) + text):
        all_of = examine(source, name="EE.en", language="en", stages=STAGES)
        try:
            parse(source)
        except TemplateBroken:
            assert any(one.serious for one in all_of)


# ── likeness ──


def alike(one: str, other: str) -> int:
    return likeness.of(likeness.windows(one), likeness.windows(other))


def test_likeness_counts_shared_windows_of_words() -> None:
    one = "Please keep Estonia in the treaty that bans mines"
    assert alike(one, "please KEEP Estonia, in the treaty that bans – mines!") == 100
    assert alike(one, "Please keep Finland in the treaty that bans mines") == 57
    assert alike(one, "A river belongs to everybody who lives along it") == 0
    assert alike("", "") == alike("", one) == 0
    assert alike("Peace", "peace.") == 100


@given(st.text(max_size=80), st.text(max_size=80))
def test_likeness_is_the_same_both_ways_and_a_percentage(one: str, other: str) -> None:
    assert 0 <= alike(one, other) == alike(other, one) <= 100
    assert alike(one, one) in {0, 100}


# ── SpamAssassin ──


async def test_the_score_is_read_where_the_program_is_there_and_missing_where_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = spam.message(LetterText("Peace\nBcc: x", "Dear you,\n"))
    assert message.count(b"\r\nSubject: Peace Bcc: x\r\n") == 1
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not spam.is_installed()
    assert await spam.spam_score(message) is None
    program = tmp_path / "spamassassin"
    program.write_text(
        '#!/bin/sh\necho "X-Spam-Status: No, score=-1.5 required=5.0"\necho "$@ $(/bin/cat)"\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert await spam.spam_score(message) == -1.5
    program.write_text("#!/bin/sh\nexit 3\n")
    assert await spam.spam_score(message) is None


def test_a_read_letter_keeps_its_variants_for_whom_they_are() -> None:
    fields = read(SHIPPED["EE.en"])
    assert fields.subjects[0].stages == ("announced", "voted", "notified")
