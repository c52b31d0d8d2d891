"""A letter's text from its frozen inputs: template revision, stage, seed and the person's words.

The same inputs give the same text, in the preview, on the confirm page and when it leaves.
"""

import hashlib
from dataclasses import dataclass, replace

from jinja2 import UndefinedError

from app.errors import TemplateBroken
from app.languages import country_name
from app.models import AlertCountry, Letter, LetterTemplate, Submission, Target
from app.wording.templates import LetterSource, Variant, parse


@dataclass(frozen=True)
class Words:
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

    @property
    def sha256(self) -> str:
        """The seal of what was confirmed, 64 hex digits."""
        return hashlib.sha256(f"{self.subject}\n\n{self.body}".encode()).hexdigest()


def letter(
    template: LetterTemplate, target: Target, *, stage: str, seed: int, words: Words
) -> LetterText:
    """The letter to one office. Raises TemplateBroken where the template has no ask."""
    name = f"{template.country}.{template.language}"
    source = parse(template.source, name)
    if stage not in source.front.asks:
        raise TemplateBroken(name, 1, f"no ask for the stage “{stage}”")
    values = {
        "role": target.role,
        "office": target.office,
        "stage": stage,
        "name": words.name,
        "city": words.city,
        "country": country_name(words.country, template.language),
    }
    choice = f"{seed}:{target.id}"
    front = source.front
    try:
        pieces = {
            "salutation": source.fill(front.salutations[target.role], values),
            "opening": _vary(source, front.openings, values, f"{choice}:opening"),
            "closing": _vary(source, front.closings, values, f"{choice}:closing"),
            "ask": source.fill(front.asks[stage].strip("\n"), values),
            "postal_address": words.postal_address,
            "own_words": words.own_words,
        }
        subject = words.subject or _vary(source, front.subjects, values, f"{choice}:subject")
        body = source.fill(source.body, values | pieces)
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
    words = Words(
        name=submission.name,
        city=submission.city,
        country=submission.country,
        postal_address=submission.postal_address,
        own_words=submission.own_words,
        subject=submission.subject,
    )
    words = address_only_where_required(words, country)
    return letter(template, target, stage=stage, seed=submission.variant_seed, words=words)


def confirmed(
    letter_row: Letter,
    submission: Submission,
    target: Target,
    template: LetterTemplate,
    country: AlertCountry,
) -> LetterText:
    """The letter as it must leave; the caller compares its seal with the confirmed one."""
    return of_submission(submission, target, template, country, stage=letter_row.stage)


def address_only_where_required(words: Words, country: AlertCountry) -> Words:
    """A postal address appears only in letters to a government that requires one."""
    return words if country.postal_address else replace(words, postal_address="")


def _vary(
    source: LetterSource, variants: tuple[Variant, ...], values: dict[str, str], choice: str
) -> str:
    fitting = [one for one in variants if one.fits(values["role"], values["stage"])]
    draw = int.from_bytes(hashlib.sha256(choice.encode()).digest()[:8])
    return source.fill(fitting[draw % len(fitting)].text.strip("\n"), values)
