"""The letter as it would leave, read for every office at every stage."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import product, zip_longest

from jinja2 import TemplateError

from app.wording.allowed import environment
from app.wording.examining.findings import Examined, Finding
from app.wording.letter_fields import PLACES, LetterFields
from app.wording.render import paragraphs
from app.wording.templates import ROLES

LONGEST_SUBJECT = 78  # characters of a line of mail (RFC 5322 2.1.1)
MOST_WORDS = 600  # an office reads a page
LONGEST_LETTER = 40_000  # characters; what is longer was not written by hand
LEFT = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")
WANTED = {
    "ask": "what is asked for would be missing from the letter",
    "own_words": "what supporters add in their own words would be missing from the letter",
    "name": "the letter would have no sender",
    "salutation": "the letter would begin without a greeting",
}
LEFT_OVER = "Braces are left over in the finished letter"
MARK = "ownwordsofthesupporter"
LONG = {  # a supporter with a long name from a place with a long one
    "name": "Anna Maria Wiśniewska-Brzęczyszczykiewicz",
    "city": "Frankfurt an der Oder",
    "country": "Bosnia and Herzegovina",
    "postal_address": "ul. Długa 1/2\n00-238 Warszawa",
    "own_words": MARK,
}
BARE = LONG | {"postal_address": "", "own_words": ""}

Written = Callable[[Mapping[str, str]], str]  # a text, with the values put in


class TooLong(Exception):
    """A letter that no office would be sent; reading on would only take time."""


def readings(examined: Examined) -> Iterator[Finding]:
    """What is seen only in the finished letter, each told once."""
    fields = examined.fields
    try:
        compiled, seen = _compiled(examined), set[str]()
        told: dict[tuple[str, str], Finding] = {}
        for role, stage, person in product(ROLES, examined.stages, (LONG, BARE)):
            values = person | {"role": role, "office": "Ministry of Defence", "stage": stage}
            read = _pieces(fields, compiled, values)
            for finding in [
                *_subjects(examined, read),
                *_body(examined, compiled, values, read, seen),
            ]:
                told.setdefault((finding.place, finding.sentence[:40]), finding)
        yield from told.values()
    except TooLong as fault:
        yield examined.told("body", str(fault))
    except (TemplateError, TypeError, ValueError, SyntaxError, RecursionError, MemoryError) as no:
        yield examined.told("body", f"the letter cannot be written: {str(no)[:200]}")


def uses(examined: Examined) -> Iterator[Finding]:
    """Variables that a body is poor without."""
    for name, without in WANTED.items():
        if not re.search(rf"\{{\{{-?\s*{name}\s*-?\}}\}}", examined.fields.body):
            said = f"{{{{ {name} }}}} stands nowhere in the body: {without}"
            yield examined.told("body", said, serious=False)


def _compiled(examined: Examined) -> dict[str, Written]:
    """Jinja needs a millisecond and more for a text; most pieces hold no braces."""
    texts = examined.pieces | {"body": examined.fields.body}
    return {
        place: environment.from_string(text).render if "{" in text else partial(_as_it_is, text)
        for place, text in texts.items()
    }


def _as_it_is(text: str, values: Mapping[str, str]) -> str:
    return text


def _pieces(
    fields: LetterFields, compiled: Mapping[str, Written], values: Mapping[str, str]
) -> dict[str, list[tuple[str, str]]]:
    """Every text that fits this office and stage, with its place."""
    role, stage = values["role"], values["stage"]
    places = {"salutations": [f"salutations.{role}"], "asks": [f"asks.{stage}"]}
    for place in PLACES:
        places[place] = [
            f"{place}.{n}"
            for n, one in enumerate(fields.variants(place), 1)
            if (not one.roles or role in one.roles) and (not one.stages or stage in one.stages)
        ]
    return {
        name: [(one, compiled[one](values)) for one in found if one in compiled]
        for name, found in places.items()
    }


def _subjects(examined: Examined, read: Mapping[str, list[tuple[str, str]]]) -> Iterator[Finding]:
    for place, text in read["subjects"]:
        if len(text) > LONGEST_SUBJECT:
            said = (
                f"it is over {LONGEST_SUBJECT} characters long where a supporter's city has a"
                " long name, and mail programs would cut it"
            )
            yield examined.told(place, said, serious=False)
        if LEFT.search(text):
            yield examined.told(place, "Braces are left over in the finished subject")


def _body(
    examined: Examined,
    compiled: Mapping[str, Written],
    values: Mapping[str, str],
    read: Mapping[str, list[tuple[str, str]]],
    seen: set[str],
) -> Iterator[Finding]:
    """The body with each opening and each closing that could stand in it, unless it was `seen`."""
    texts = {name: [text for _, text in found] for name, found in read.items()}
    always = {
        "salutation": "".join(texts["salutations"]),
        "ask": "".join(texts["asks"]),
        "reasons": paragraphs(texts["reasons"]),
    }
    for opening, closing in zip_longest(texts["openings"], texts["closings"], fillvalue=""):
        pieces = always | {"opening": opening, "closing": closing}
        text = compiled["body"]({**values, **pieces}).strip("\n")
        if len(text) > LONGEST_LETTER:
            raise TooLong(f"the letter would be {len(text):,} characters long")
        if text in seen:
            continue
        seen.add(text)
        yield from _of_text(examined, text, f"{values['role']} at the stage “{values['stage']}”")


def _of_text(examined: Examined, text: str, where: str) -> Iterator[Finding]:
    if LEFT.search(text):
        yield examined.told("body", f"{LEFT_OVER}, for the {where}")
    if "\n\n\n" in text:
        yield examined.told("body", "There are two empty lines in a row", serious=False)
    if len(text.split()) > MOST_WORDS:
        said = f"The letter is longer than {MOST_WORDS} words; shorter ones are read"
        yield examined.told("body", said, serious=False)
    if text.count(MARK) > 1:
        yield examined.told("body", "The supporter's own words stand in it twice", serious=False)
