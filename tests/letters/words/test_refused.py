"""What a letter may not say, and that ordinary sentences are never taken for it."""

import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.letters.words import refused
from app.models import LetterTemplate, Target
from app.wording import render
from app.wording.templates import parse
from tests.grounds.alerts import ROOT
from tests.letters.words.ordinary import SENTENCES

LISTED = ("idiot*", "moron", "scum", "go to hell", "stulb*", "loll", "дурак")
LETTERS = sorted((ROOT / "templates" / "letters").glob("*/??.??.txt"))


def told(text: str) -> tuple[str, str] | None:
    reason = refused.why(text, LISTED)
    return (str(reason), reason.piece) if reason else None


@pytest.mark.parametrize("sentence", SENTENCES)
def test_an_ordinary_sentence_is_never_refused(sentence: str) -> None:
    assert told(sentence) is None


def test_sentences_of_six_languages_are_tried() -> None:
    assert len(SENTENCES) >= 70


@given(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=30, unique=True), st.data())
def test_neither_are_many_of_them_in_any_order_and_in_paragraphs(
    chosen: list[str], data: st.DataObject
) -> None:
    gaps = data.draw(st.lists(st.sampled_from([" ", "\n", "\n\n"]), min_size=len(chosen)))
    assert told("".join(one + gap for one, gap in zip(chosen, gaps, strict=False))) is None


@given(st.text(max_size=400), st.lists(st.text(max_size=12), max_size=5))
def test_any_text_and_any_list_get_an_answer(text: str, listed: list[str]) -> None:
    reason = refused.why(text, listed)
    assert reason is None or (reason.piece and len(reason.piece) <= refused.PIECE)


@pytest.mark.parametrize("file", LETTERS, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_none_of_our_own_letters_would_be_refused(file: Path) -> None:
    """Whoever writes one anew begins from it."""
    country, language = file.stem.split(".")
    template = LetterTemplate(country=country, language=language, source=file.read_text("utf-8"))
    source = parse(template.source, file.stem)
    target = Target(id=1, country=country, office="Prime Minister", role="prime_minister")
    words = render.Words("Mari Mägi", "Tartu", "EE", "TEE 1\n50090 TARTU\nEESTI")
    for stage in source.stages:
        seed = random.Random(stage).randrange(2**31)
        text = render.letter(template, target, stage=stage, seed=seed, words=words)
        assert told(text.subject) is None
        assert told(text.body) is None


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("Read https://example.org/mines?x=1, please.", "https://example.org/mines?x=1"),
        ("See www.example.org.", "www.example.org"),
        ("It is on example.org/landmines!", "example.org/landmines"),
        ("Look: bit.ly/3xYz", "bit.ly/3xYz"),
        ("HTTP://EXAMPLE.ORG", "HTTP://EXAMPLE.ORG"),
        ("(see http://example.org)", "http://example.org"),
        ("õunad.ee/pirnid", "õunad.ee/pirnid"),
        ("x.com/me", "x.com/me"),
    ],
)
def test_a_link_is_told_with_the_link(text: str, piece: str) -> None:
    assert told(text) == ("link", piece)


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("You are an idiot!", "idiot"),
        ("What IDIOTS they are", "IDIOTS"),
        ("ÍD!0T", "ÍD!0T"),
        ("an i\u200bdiot", "i\u200bdiot"),
        ("you m0rοn", "m0rοn"),  # its last o is Greek
        ("Go  to\nHELL", "Go to HELL"),
        ("stulbeņi", "stulbeņi"),
        ("Ты ДУРАК.", "ДУРАК"),
    ],
)
def test_an_insult_is_found_however_it_is_disguised(text: str, piece: str) -> None:
    assert told(text) == ("insult", piece)


@pytest.mark.parametrize("text", ["oxymoronic", "Scumbria", "the M0r0n7 road", "lollipop", "hell"])
def test_a_word_that_only_contains_one_is_no_insult(text: str) -> None:
    assert told(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("STOP LANDMINES NOW BECAUSE PEOPLE DIE", "capitals"),
        ("ОСТАНОВИТЕ МИНЫ НЕМЕДЛЕННО ПОЖАЛУЙСТА ЛЮДИ", "capitals"),
        ("ΣΤΑΜΑΤΗΣΤΕ ΤΙΣ ΝΑΡΚΕΣ ΤΩΡΑ ΠΑΡΑΚΑΛΩ", "capitals"),
        ("I am calm.\n\n" + "NOW LISTEN TO ME " * 3 + "\n\nThank you very much.", "capitals"),
        ("Stop it now. " * 5, "repeated"),
        ("a line of mine\n" * 6, "repeated"),
        ("buy this now " * 10, "repeated"),
        ("Help" + "!" * 30, "repeated"),
        ("x" * 40, "repeated"),
        ("<b>bold</b>", "markup"),
        ("<img src=x onerror=alert(1)>", "markup"),
        ("[url=x]y[/url]", "markup"),
        ("$%&/()=?*+#" * 5, "senseless"),
        ("12345 67890 " * 4, "senseless"),
        ("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejA=", "senseless"),
        ("Cheap Viagra for you", "spam"),
    ],
)
def test_shouting_and_pasted_spam_are_told_apart(text: str, reason: str) -> None:
    found = told(text)
    assert found is not None
    assert found[0] == reason
    assert found[1]


@pytest.mark.parametrize("piece", ["[url=", "Ab/+", "a" * 20 + "b", "a+b+c", "www.", "aa."])
def test_no_text_holds_up_everybody_else(piece: str) -> None:
    text = (piece * 10_000)[:10_000]
    began = time.process_time()
    refused.why(text)
    assert time.process_time() - began < 0.3  # one of them took three seconds


def test_a_line_of_dashes_is_a_line() -> None:
    text = "Dear Minister,\n" + "-" * 60 + "\nI am Mari, and I walk to school along the border."
    assert told(text) is None
