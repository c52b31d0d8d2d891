"""A letter from a plan is, to the letter, what Jinja writes."""

import hashlib
import itertools
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as pace
from hypothesis import strategies as st

from app.errors import TemplateBroken
from app.languages import country_name
from app.models import AlertCountry, Letter, LetterTemplate, Submission, Target
from app.wording import letter_fields, plans, render
from app.wording.allowed import CHOICES, IN_A_BODY, PERSON, PIECES, SENDER, check, environment
from app.wording.render import LetterText, Words
from app.wording.templates import ROLES, parse

FILES = sorted((Path(__file__).parents[2] / "templates" / "letters").glob("*/*.txt"))
typed = st.one_of(
    st.just(""),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    st.lists(
        st.sampled_from(["{{ name }}", "{% if", "%}", "{#", "\n", "\r\n", ":0:", "õ", "😀", " "])
    ).map("".join),
)
persons = st.builds(
    Words,
    name=typed,
    city=typed,
    country=st.sampled_from(["EE", "CH", "BR", "UN", ""]),
    postal_address=typed,
    own_words=typed,
    subject=typed,
)


@cache
def template(file: Path) -> LetterTemplate:
    country, language, _ = file.name.split(".")
    return LetterTemplate(country=country, language=language, source=file.read_text())


@cache
def read_by_jinja(text: str) -> object:
    return environment.from_string(text)


def by_jinja(file: Path, target: Target, *, stage: str, seed: int, words: Words) -> LetterText:
    """The letter without any plan, each text rendered by itself."""
    front, body = parse(template(file).source).front, parse(template(file).source).body
    values = dict(zip(CHOICES, (target.role, target.office, stage), strict=True))
    values |= {"name": words.name, "city": words.city}
    values["country"] = country_name(words.country, template(file).language)

    def filled(text: str, **more: str) -> str:
        return read_by_jinja(text).render(values | more)  # type: ignore[attr-defined]

    def drawn(place: str) -> str:
        variants = getattr(front, place + "s")
        fitting = [one.text for one in variants if one.fits(target.role, stage)]
        draw = hashlib.sha256(f"{seed}:{target.id}:{place}".encode()).digest()
        return filled(fitting[int.from_bytes(draw[:8]) % len(fitting)].strip("\n"))

    left = [one.text.strip("\n") for one in front.reasons if one.fits(target.role, stage)]
    draw, reasons = hashlib.sha256(f"{seed}:{target.id}:reasons".encode()).hexdigest(), []
    number = int(draw, 16)
    while left:
        reasons.append(filled(left.pop(number % len(left))))
        number //= len(left) + 1
    text = filled(
        body,
        reasons="\n\n".join(reasons),
        salutation=filled(front.salutations[target.role]),
        opening=drawn("opening"),
        closing=drawn("closing"),
        ask=filled(front.asks[stage].strip("\n")),
        postal_address=words.postal_address,
        own_words=words.own_words,
    )
    return LetterText(words.subject or drawn("subject"), text.strip("\n") + "\n")


def filled(text: str, choices: tuple[str, ...], words: tuple[str, ...]) -> str:
    return plans.known(choices, tuple(map(bool, words))).fill(text, words)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
@pace(deadline=None, max_examples=5)
@given(words=persons, seed=st.integers(0, 2**31))
@example(words=Words(f"{plans._token}:1:", "{{ name }}", "CH", "\n", "{% raw %}\n\n"), seed=7)
def test_every_shipped_letter_is_what_jinja_writes(file: Path, words: Words, seed: int) -> None:
    for role, stage in itertools.product(ROLES, parse(template(file).source).stages):
        target = Target(id=3, role=role, office=f"The {role}")
        wanted = by_jinja(file, target, stage=stage, seed=seed, words=words)
        for _ in ("planned", "from the plan"):
            found = render.letter(template(file), target, stage=stage, seed=seed, words=words)
            assert found == wanted


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_shipped_letter_is_read_once_for_everybody(file: Path) -> None:
    source = parse(template(file).source)
    for role, stage in itertools.product(ROLES, source.stages):
        choices = (role, "The office", stage)
        assert plans.plan(source.body, choices, (True,) * len(plans.FILLED))
        pieces = [source.front.salutations[role], source.asks[stage]]
        for place in letter_fields.PLACES:
            pieces += source.fitting(place, role, stage)  # type: ignore[arg-type]
        for piece in pieces:
            assert plans.plan(piece, choices, (True,) * len(SENDER))


NAMES = st.sampled_from(sorted(IN_A_BODY))
QUOTED = st.sampled_from(["'defence'", "'Tartu'", "''", "'voted'"])
ATOMS = st.one_of(NAMES, QUOTED)
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda it: f"({it[0]} {it[1]} {it[2]})"
        ),
        inner.map(lambda it: f"(not {it})"),
        st.tuples(ATOMS, st.sampled_from(["==", "!=", "in", "not in"]), ATOMS).map(
            lambda it: f"({it[0]} {it[1]} {it[2]})"
        ),
        st.tuples(ATOMS, ATOMS).map(lambda it: f"({it[0]} in ({it[1]}, 'voted'))"),
        st.tuples(ATOMS, ATOMS).map(lambda it: f"[{it[0]}, {it[1]}]"),
    ),
    max_leaves=5,
)
TEXTS = st.recursive(
    st.one_of(
        st.sampled_from(["a line\n", "\n", "so"]), EXPRESSIONS.map(lambda it: f"{{{{ {it} }}}}")
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(EXPRESSIONS, inner, inner).map(
            lambda it: f"{{% if {it[0]} %}}\n{it[1]}{{% else %}}{it[2]}\n{{% endif %}}\n"
        ),
    ),
    max_leaves=6,
)
PIECE = st.sampled_from(
    ["Dear you,", "{{ city }}", "{% if name %}{{ name }} of {{ city }}{% endif %}", ""]
)
A_WORD = st.sampled_from(["", "Tartu", "Mari", "defence", "voted", "it's", "{{ city }}", "\n"])


@pace(deadline=None, max_examples=60)
@given(
    TEXTS,
    st.tuples(*[PIECE] * len(PIECES)),
    st.tuples(st.sampled_from(ROLES), st.just("The office"), st.sampled_from(["voted", "x"])),
    st.lists(st.tuples(*[A_WORD] * len(PERSON)), min_size=2, max_size=4),
)
@example(
    "{% if city == 'Tartu' %}here{% else %}there{% endif %}",
    ("a", "b", "c", "d", "e"),
    ("defence", "The office", "voted"),
    [("Mari", "Riga", "EE", "", ""), ("Mari", "Tartu", "EE", "", "")],
)
@example(
    "{% if opening == 'Tartu' %}here{% else %}there{% endif %}",
    ("a", "{{ city }}", "c", "d", ""),
    ("defence", "The office", "voted"),
    [("Mari", "Riga", "EE", "", ""), ("Mari", "Tartu", "EE", "", "")],
)
@example(
    "{{ (name, city) }}{{ name and city or own_words }}{{ not name }}",
    ("a", "b", "c", "d", "e"),
    ("defence", "The office", "voted"),
    [("it's", "\n", "EE", "", "x"), ("Mari", "", "EE", "", "x"), ("", "", "", "", "")],
)
def test_no_template_within_the_rules_reads_otherwise_from_a_plan(
    text: str, pieces: tuple[str, ...], choices: tuple[str, ...], people: list[tuple[str, ...]]
) -> None:
    check(text, IN_A_BODY, where="a test")
    for words in people:
        sender = words[: len(SENDER)]
        said = tuple(filled(piece, choices, sender) for piece in pieces)
        assert said == tuple(plans.rendered(piece, choices, sender) for piece in pieces)
        wanted = plans.rendered(text, choices, words + said)
        assert filled(text, choices, words + said) == wanted


@pytest.mark.parametrize(
    ("text", "planned"),
    [
        ("{{ name }} {% if own_words %}{{ own_words or city }}{% endif %}", True),
        ("{% if role in ('defence', 'foreign') %}{{ name }}{% endif %}", True),
        ("{% if (role, stage) == ('defence', 'voted') %}{{ name }}{% endif %}", True),
        ("{% if city == 'Tartu' %}x{% endif %}", False),
        ("{% if role == name %}x{% endif %}", False),
        ("{% if 'x' in (not (name or city), 'y') %}x{% endif %}", False),
        ("{{ [role, name] }}", False),
        ("{% if closing != 'x' %}x{% endif %}", False),
        ("{% if reasons %}{{ reasons }}{% endif %}", True),
        ("{{ (reasons, role) }}", False),
    ],
)
def test_what_looks_at_a_word_is_rendered_for_each_letter(text: str, planned: bool) -> None:
    check(text, IN_A_BODY, where="a test")
    found = plans.plan(text, ("defence", "x", "voted"), (True,) * len(plans.FILLED))
    assert (found is not None) is planned


def test_a_piece_that_looks_at_a_word_is_written_anew_and_the_letter_around_it_is_not() -> None:
    piece = "{% if city == 'Tartu' %}Here{% else %}There{% endif %}"
    choices = ("defence", "The office", "voted")
    assert plans.plan(piece, choices, (True,) * len(SENDER)) is None
    for city, wanted in (("Tartu", "Here"), ("Riga", "There")):
        assert filled(piece, choices, ("", city, "")) == wanted


@given(st.text(st.sampled_from("a {}\r\n#%"), max_size=12))
def test_a_text_without_braces_is_what_jinja_makes_of_it(text: str) -> None:
    try:
        check(text, IN_A_BODY, where="a test")
    except TemplateBroken:
        return
    choices = ("defence", "The office", "voted")
    assert filled(text, choices, ("a", "b", "c")) == plans.rendered(text, choices, ("", "", ""))


REASONS = replace(
    letter_fields.blank("en", "Estonia", ("voted",)),
    body="{{ reasons }}",
    reasons=tuple(
        letter_fields.VariantFields(text, stages, roles)
        for text, stages, roles in (
            ("First, {{ city }}.", (), ()),
            ("Second.", (), ()),
            ("{% if role == 'foreign' %}Abroad.{% endif %}", (), ()),
            ("Third.", (), ("defence",)),
            ("Long ago.", ("announced",), ()),
        )
    ),
)


REASONED = letter_fields.write(REASONS)


def reasoned(role: str, seed: int) -> str:
    made = LetterTemplate(country="EE", language="en", source=REASONED)
    target, words = Target(id=3, role=role, office="x"), Words("Mari", "Tartu", "EE")
    return render.letter(made, target, stage="voted", seed=seed, words=words).body


def test_all_reasons_that_fit_stand_in_the_letter_each_a_paragraph() -> None:
    for seed in range(20):
        said = reasoned("defence", seed)
        assert said == reasoned("defence", seed)
        assert sorted(said.rstrip("\n").split("\n\n")) == ["First, Tartu.", "Second.", "Third."]
        abroad = reasoned("foreign", seed).rstrip("\n").split("\n\n")
        assert sorted(abroad) == ["Abroad.", "First, Tartu.", "Second."]


def test_supporters_get_the_orders_of_the_reasons_evenly() -> None:
    orders = Counter(reasoned("defence", seed) for seed in range(1_500))
    assert len(orders) == 6
    assert all(180 < n < 320 for n in orders.values()), orders  # five deviations from 250


def test_the_orders_of_a_letter_need_no_plans_of_their_own() -> None:
    reasoned("defence", 0)
    before = plans.plan.cache_info().misses
    assert len({reasoned("defence", seed) for seed in range(50)}) == 6
    assert plans.plan.cache_info().misses == before


def test_nothing_of_a_person_stays_in_a_plan() -> None:
    text = "Remembered: {{ name }} of {{ city }}{% if postal_address %}: {{ name }}{% endif %}"
    words = ("Mari Mägi", "Tartu", "", "", "")
    choices = ("defence", "The office", "voted")
    assert filled(text, choices, words) == "Remembered: Mari Mägi of Tartu"
    found = plans.plan(text, choices, tuple(map(bool, words)))
    assert found == plans.Plan(("Remembered: ", "0", " of ", "1", ""), (0, 1))


def test_a_postal_address_stands_only_where_it_is_asked() -> None:
    file = FILES[-1]
    submission = Submission(
        name="Mari Mägi",
        city="Tartu",
        country="EE",
        postal_address="Rosenweg 3",
        own_words="",
        subject="",
        variant_seed=1,
    )
    target = Target(id=1, role="defence", office="Minister")
    stage = parse(template(file).source).stages[0]

    def body(why: str) -> str:
        country = AlertCountry(country="PL", postal_address=why)
        return render.of_submission(submission, target, template(file), country, stage=stage).body

    assert "Rosenweg 3" in body("The law wants it.")
    assert "Rosenweg 3" not in body("")


def test_a_letter_written_anew_is_what_leaves_at_the_stage_it_was_written_for() -> None:
    file = FILES[-1]
    stage, later = parse(template(file).source).stages[:2]
    own = {"stage": stage, "subject": "{{ own }}", "body": "\n\nDear Minister,\n\nno.\n\n"}
    form = Submission(
        name="Mari Mägi",
        city="Tartu",
        country="EE",
        postal_address="Rosenweg 3",
        own_words="",
        subject="Mine",
        variant_seed=1,
        edits={"1": own},
    )
    country = AlertCountry(country="PL", postal_address="The law wants it.")
    written, other = (Target(id=n, role="defence", office="Minister") for n in (1, 11))

    def text(target: Target, stage: str) -> LetterText:
        return render.of_submission(form, target, template(file), country, stage=stage)

    assert text(written, stage) == LetterText("{{ own }}", "Dear Minister,\n\nno.\n")
    assert text(written, stage) == render.edited(form, 1, stage)
    leaves = Letter(stage=stage, text_sha256=text(written, stage).sha256)
    assert render.confirmed(leaves, form, written, template(file), country) == text(written, stage)
    leaves.text_sha256 = "another"
    assert render.confirmed(leaves, form, written, template(file), country) is None
    assert text(written, later).subject == "Mine"
    assert "Mari Mägi" in text(written, later).body
    assert text(other, stage).subject == "Mine"
    assert render.edited(form, 11, stage) is None
    assert render.edited(Submission(), 1, stage) is None  # one that is not written yet


def test_the_seal_is_of_the_subject_and_the_body() -> None:
    text = LetterText("Teema", "Lugupeetud\n")
    assert text.sha256 == hashlib.sha256(b"Teema\n\nLugupeetud\n").hexdigest()
    assert LetterText("Teema", "Lugupeetud") != text
