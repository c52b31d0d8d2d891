"""The exact letters of a form that is still being filled: the same text that would leave."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.campaigns.offices import Office
from app.letters.form import Form, tidy
from app.wording import render
from app.wording.render import LetterText, Words


@dataclass(frozen=True)
class Sheet:
    """One letter as a sheet of paper."""

    office: Office
    text: LetterText


def sheets(form: Form, chosen: Sequence[Office], *, seed: int, blank: Words) -> list[Sheet]:
    """A sheet for each office; what is not filled in yet reads as in `blank`."""
    form = tidy(form)
    words = Words(
        name=form.name or blank.name,
        city=form.city or blank.city,
        country=form.country or blank.country,
        postal_address=form.postal_address,
        own_words=form.own_words,
        subject=form.subject,
    )
    return [_sheet(office, words, seed) for office in chosen]


def _sheet(office: Office, words: Words, seed: int) -> Sheet:
    fitting = render.address_only_where_required(words, office.country)
    text = render.letter(
        office.template, office.target, stage=office.stage, seed=seed, words=fitting
    )
    return Sheet(office, text)
