"""A letter's text from its frozen inputs: template revision, stage, seed and the person's words.

The same inputs give the same text, in the preview, on the confirm page and when it leaves.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

from jinja2 import UndefinedError

from app.errors import TemplateBroken
from app.languages import country_name
from app.models import AlertCountry, Letter, LetterTemplate, Submission, Target
from app.wording.plans import fill
from app.wording.templates import LetterSource, Place, parse

_country_name = lru_cache(maxsize=2048)(country_name)  # a locale is slow to look something up in


class Words(NamedTuple):
    """What a supporter brings to a letter. Data, never a template: `{{` stays two braces."""

    name: str
    city: str
    country: str  # two letters
    postal_address: str = ""
    own_words: str = ""
    subject: str = ""


@dataclass(frozen=True)
class LetterText:
    subject: str
    body: str

    @cached_property
    def sha256(self) -> str:
        """The seal of what was confirmed, 64 hex digits."""
        return hashlib.sha256(f"{self.subject}\n\n{self.body}".encode()).hexdigest()


def letter(
    template: LetterTemplate, target: Target, *, stage: str, seed: int, words: Words
) -> LetterText:
    """The letter to one office. Raises TemplateBroken where the template has no ask."""
    language = template.language
    name = f"{template.country}.{language}"
    source = parse(template.source, name)
    front = source.front
    if stage not in front.asks:
        raise TemplateBroken(name, 1, f"no ask for the stage “{stage}”")
    choices = (target.role, target.office, stage)
    draw = f"{seed}:{target.id}"
    pieces = (
        front.salutations[target.role],
        _drawn(source, "openings", choices, f"{draw}:opening"),
        _drawn(source, "closings", choices, f"{draw}:closing"),
        source.asks[stage],
    )
    country = _country_name(words.country, language)
    person = (words.name, words.city, country, words.postal_address, words.own_words)
    try:
        body = fill(source.body, pieces, choices, person)
        subject = words.subject or fill(
            _drawn(source, "subjects", choices, f"{draw}:subject"), (), choices, person
        )
    except UndefinedError as fault:
        raise TemplateBroken(name, 1, fault.message or "a variable is missing") from None
    return LetterText(subject, body.strip("\n") + "\n")


def of_submission(
    submission: Submission,
    target: Target,
    template: LetterTemplate,
    country: AlertCountry,
    *,
    stage: str,
) -> LetterText:
    """What this submission says to this office at this stage."""
    with_address = bool(country.postal_address)
    return _written(submission, target, template, stage, with_address=with_address)


def confirmed(
    letter_row: Letter,
    submission: Submission,
    target: Target,
    template: LetterTemplate,
    country: AlertCountry,
) -> LetterText:
    """The letter as it must leave; the caller compares its seal with the confirmed one.

    Whether a government asks for a postal address may change while its letters wait: the seal
    says with which of the two the supporter read theirs.
    """
    stage, asked = letter_row.stage, bool(country.postal_address)
    text = _written(submission, target, template, stage, with_address=asked)
    if text.sha256 == letter_row.text_sha256 or not submission.postal_address:
        return text
    other = _written(submission, target, template, stage, with_address=not asked)
    return other if other.sha256 == letter_row.text_sha256 else text


def _written(
    submission: Submission,
    target: Target,
    template: LetterTemplate,
    stage: str,
    *,
    with_address: bool,
) -> LetterText:
    words = Words(
        name=submission.name,
        city=submission.city,
        country=submission.country,
        postal_address=submission.postal_address if with_address else "",
        own_words=submission.own_words,
        subject=submission.subject,
    )
    return letter(template, target, stage=stage, seed=submission.variant_seed, words=words)


def address_only_where_required(words: Words, country: AlertCountry) -> Words:
    """A postal address appears only in letters to a government that requires one."""
    return words if country.postal_address else words._replace(postal_address="")


def _drawn(source: LetterSource, place: Place, choices: tuple[str, ...], draw: str) -> str:
    """The variant that this draw picks, always the same for the same draw."""
    role, _, stage = choices
    fitting = source.fitting(place, role, stage)
    number = int.from_bytes(hashlib.sha256(draw.encode()).digest()[:8])
    return fitting[number % len(fitting)]
