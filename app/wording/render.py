"""A letter's text from its frozen inputs: template revision, stage, seed and the person's words.

The same inputs give the same text, in the preview, on the confirm page and when it leaves.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from jinja2 import UndefinedError

from app.errors import TemplateBroken
from app.languages import country_name
from app.models import AlertCountry, Letter, LetterTemplate, Submission, Target
from app.wording.plans import known
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

    @property
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
    sender = (words.name, words.city, _country_name(words.country, language))
    of_sender = known(choices, tuple(map(bool, sender)))
    try:
        said = of_sender.fill_all(pieces, sender)
        reasons = _in_order(source, choices, f"{draw}:reasons")
        said.append(paragraphs(of_sender.fill_all(reasons, sender)))
        person = (*sender, words.postal_address, words.own_words, *said)
        body = known(choices, tuple(map(bool, person))).fill(source.body, person)
        subject = words.subject or of_sender.fill(
            _drawn(source, "subjects", choices, f"{draw}:subject"), sender
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
    with_address = wants_address(country, target.role)
    return _written(submission, target, template, stage, with_address=with_address)


def confirmed(
    letter_row: Letter,
    submission: Submission,
    target: Target,
    template: LetterTemplate,
    country: AlertCountry,
) -> LetterText | None:
    """The letter as its supporter confirmed it, by its seal; None where it would read otherwise.

    Whether a government asks for a postal address may change while its letters wait: the seal
    says with which of the two the supporter read theirs.
    """
    stage, asked = letter_row.stage, wants_address(country, target.role)
    text = _written(submission, target, template, stage, with_address=asked)
    if text.sha256 != letter_row.text_sha256 and submission.postal_address:
        text = _written(submission, target, template, stage, with_address=not asked)
    return text if text.sha256 == letter_row.text_sha256 else None


def edited(submission: Submission, target_id: int, stage: str) -> LetterText | None:
    """The letter to an office as its supporter wrote it anew; None where they did not, or wrote
    it for another stage: what it asks for would no longer be right."""
    found = (submission.edits or {}).get(str(target_id))
    if found is None or found["stage"] != stage:
        return None
    return LetterText(found["subject"], found["body"].strip("\n") + "\n")


def _written(
    submission: Submission,
    target: Target,
    template: LetterTemplate,
    stage: str,
    *,
    with_address: bool,
) -> LetterText:
    own = edited(submission, target.id, stage)
    if own:
        return own
    words = Words(
        name=submission.name,
        city=submission.city,
        country=submission.country,
        postal_address=submission.postal_address if with_address else "",
        own_words=submission.own_words,
        subject=submission.subject,
    )
    return letter(template, target, stage=stage, seed=submission.variant_seed, words=words)


def wants_address(country: AlertCountry, role: str) -> bool:
    """Whether an office of this role asks for the sender's postal address."""
    roles = country.postal_address_roles or ()
    return bool(country.postal_address) and (not roles or role in roles)


def address_only_where_required(words: Words, country: AlertCountry, role: str) -> Words:
    """A postal address appears only in letters to an office that requires one."""
    return words if wants_address(country, role) else words._replace(postal_address="")


def paragraphs(texts: Iterable[str]) -> str:
    """Those that say something here, parted by an empty line."""
    return "\n\n".join([said for one in texts if (said := one.strip("\n"))])


def _drawn(source: LetterSource, place: Place, choices: tuple[str, ...], draw: str) -> str:
    """The variant that this draw picks, always the same for the same draw."""
    role, _, stage = choices
    fitting = source.fitting(place, role, stage)
    if len(fitting) == 1:
        return fitting[0]
    number = int.from_bytes(hashlib.sha256(draw.encode()).digest()[:8])
    return fitting[number % len(fitting)]


def _in_order(source: LetterSource, choices: tuple[str, ...], draw: str) -> list[str]:
    """All reasons that fit, in the order that this draw picks.

    The draw is a number of 256 bits, and there are fewer orders of thirty reasons than numbers
    of 108 bits: none of them is drawn more often than another.
    """
    role, _, stage = choices
    left = list(source.fitting("reasons", role, stage))
    number = int.from_bytes(hashlib.sha256(draw.encode()).digest()) if len(left) > 1 else 0
    ordered = []
    while left:
        number, which = divmod(number, len(left))
        ordered.append(left.pop(which))
    return ordered
