"""The text of mail to supporters, in their language, and how every notice is set."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app import clock
from app.errors import TemplateBroken
from app.languages import country_name, locale, translations
from app.models import (
    AlertCountry,
    AlertState,
    Letter,
    LetterTemplate,
    Notice,
    StageStep,
    Submission,
    Target,
)
from app.settings import Settings
from app.tokens import confirm_code, confirm_url, letters_url, stop_url
from app.wording import render
from app.wording.language import translated
from app.wording.render import LetterText

FOLDER = Path(__file__).parents[2] / "templates" / "notices"
_BLANKS = re.compile(r"[ \t\n\r\f\v]+")  # but none that keeps two words together
LONGEST_SAID = 600  # characters; some servers answer with a page


@dataclass(frozen=True)
class Enclosed:
    """A letter that a notice tells of, and what is known of it.

    `address`: the office's, or empty. `said`: the server's own words at the end, or empty.
    `in_doubt`: an attempt broke off after the text had gone over, so it may have arrived.
    """

    letter: Letter
    target: Target
    template: LetterTemplate
    country: AlertCountry
    address: str = ""
    said: str = ""
    in_doubt: bool = False


@dataclass(frozen=True)
class _Shown:
    """An enclosed letter as the templates read it; `text` is None when it is left out."""

    office: str
    institution: str
    place: str
    status: str
    address: str
    said: str
    in_doubt: bool
    text: LetterText | None


@dataclass(frozen=True)
class Moved:
    """A country took another step while letters to it waited, and they were called off.

    `step`: what happened, None when it is no longer on record; `offices`: each with the name that
    the alert has for its country.
    """

    country: str
    label: str
    step: StageStep | None
    offices: Sequence[tuple[str, str]]


@cache
def _environment(language: str) -> Environment:
    """Made once a language: to compile a notice anew costs more than to write it."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  plain text, never shown as HTML
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    made.filters |= {
        "wrapped": _one_line,  # by the program that shows it
        "listed": partial(_one_line, first="- "),
        "header": _one_line,
        "inset": partial(_one_line, first="  "),
        "quoted": partial(_one_line, first="    "),
    }
    return made


def write(
    notice: Notice,
    submission: Submission,
    letters: Sequence[Enclosed] = (),
    *,
    moved: Moved | None = None,
    waiting: Sequence[AlertCountry] = (),
    settings: Settings,
) -> LetterText:
    """A notice: its first line is the subject, the rest the body.

    `submission.alert` must be loaded. `letters`: those that a copy or a failure notice tells of;
    `moved`: why others were called off; `waiting`: the country of each letter to be confirmed.
    """
    words = translated.words(submission.alert, submission.language)
    return rendered(
        notice.kind,
        submission.language,
        name=submission.name,
        title=words.title,
        organisation=settings.organisation_name,
        delivery=notice.delivery,
        confirm_url=confirm_url(settings, submission.public_id),
        code=spaced(confirm_code(settings, submission.public_id)),
        letters_url=letters_url(settings, submission.public_id),
        stop_url=stop_url(settings, submission.public_id),
        waiting=len(waiting),
        countries=list(dict.fromkeys(words.country_name(one) for one in waiting)),
        letters=[_shown(one, submission) for one in letters],
        **(_of_a_move(moved, submission, settings) if moved else {}),
    )


def rendered(kind: str, language: str, **context: Any) -> LetterText:
    """A notice from its template: the first line is the subject, the rest the body."""
    text = _environment(language).get_template(f"{kind}.txt").render(context)
    subject, _, body = text.partition("\n")
    return LetterText(subject.strip(), body.strip("\n") + "\n")


def spaced(code: str) -> str:
    """As it is read out and typed: 123 456."""
    half = len(code) // 2
    return f"{code[:half]} {code[half:]}"


def shortened(said: str) -> str:
    """A server's own words in one paragraph."""
    return textwrap.shorten(" ".join(said.split()), LONGEST_SAID, placeholder=" …")


def _shown(one: Enclosed, submission: Submission) -> _Shown:
    language = submission.language
    words = translated.words(submission.alert, language)
    return _Shown(
        office=translated.office_name(one.target.office, language),
        institution=translated.institution(one.target, language),
        place=words.country_name(one.country),
        status=one.letter.status,
        address=one.address,
        said=shortened(one.said),
        in_doubt=one.in_doubt,
        text=_as_confirmed(one, submission),
    )


def _of_a_move(moved: Moved, submission: Submission, settings: Settings) -> dict[str, Any]:
    """What is said of it, and where the new letter is, if there is one."""
    alert, step, language = submission.alert, moved.step, submission.language
    ended = alert.closes_at is not None and alert.closes_at <= clock.now()
    words = translated.words(alert, language)
    said = {
        "place": country_name(moved.country, language, moved.offices[0][1]),
        "label": words.stage(step.stage, "label") if step else moved.label,
        "on": format_date(step.on, "long", locale(language)) if step else "",
        "what": words.what(step) if step else "",
        "source": step.source if step else "",
        "url": step.url if step else "",
        "offices": [translated.office_name(office, language) for office, _ in moved.offices],
    }
    return {
        "moved": said,
        "is_open": alert.state == AlertState.PUBLISHED and not ended,
        "alert_url": f"{settings.public_url.rstrip('/')}/alerts/{alert.slug}",
    }


def _as_confirmed(one: Enclosed, submission: Submission) -> LetterText | None:
    """What was confirmed is what is copied, or nothing."""
    try:
        return render.confirmed(one.letter, submission, one.target, one.template, one.country)
    except TemplateBroken:
        return None


def _one_line(text: str, first: str = "") -> str:
    """A paragraph of our own words, `first` before it.

    Broken at a width of ours, a telephone would break it again, at its own; a letter keeps the
    lines it was confirmed with.
    """
    words = " ".join(_BLANKS.split(text)).strip(" ")
    return f"{first}{words}" if words else ""
