"""The exact letters of a form that is still being filled: the same text that would leave."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.campaigns.offices import Office
from app.letters.form import Form, tidy
from app.letters.words import edits
from app.letters.words.edits import Edit
from app.wording import render
from app.wording.render import LetterText, Words


@dataclass(frozen=True)
class Sheet:
    """One letter as a sheet of paper. `edit`: what its open fields hold; `outdated`: what was
    written for an earlier stage, and does not go out; `too_early`: it cannot be opened yet."""

    office: Office
    text: LetterText
    edit: Edit | None = None
    outdated: Edit | None = None
    too_early: bool = False


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
    filled = bool(form.name and form.city and form.country)
    return [_sheet(one, words, seed, form.edits.get(one.target.id), filled) for one in chosen]


def _sheet(office: Office, words: Words, seed: int, edit: Edit | None, filled: bool) -> Sheet:
    fitting = render.address_only_where_required(words, office.country, office.target.role)
    ours = render.letter(
        office.template, office.target, stage=office.stage, seed=seed, words=fitting
    )
    if edit is None:
        return Sheet(office, ours)
    if not edits.is_touched(edit):
        if not filled:
            # or “your city” would stand in a letter of their own, and nothing would find it
            return Sheet(office, ours, too_early=True)
        return Sheet(office, ours, edits.of(ours, office.stage))
    if edit.stage not in ("", office.stage):
        return Sheet(office, ours, outdated=edit)
    return Sheet(office, edits.text(edit), edit._replace(stage=office.stage))
