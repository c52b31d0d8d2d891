"""The text of mail to supporters, in their language."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.languages import translations
from app.models import Notice, Submission
from app.settings import Settings
from app.tokens import confirm_url, letters_url
from app.wording.render import LetterText

FOLDER = Path(__file__).parents[2] / "templates" / "notices"


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
    return made


def write(notice: Notice, submission: Submission, *, settings: Settings) -> LetterText:
    """A notice: its first line is the subject, the rest the body.

    `submission.alert` must be loaded.
    """
    text = (
        _environment(submission.language)
        .get_template(f"{notice.kind}.txt")
        .render(
            name=submission.name,
            alert=submission.alert,
            organisation=settings.organisation_name,
            delivery=settings.delivery,
            confirm_url=confirm_url(settings, submission.public_id),
            letters_url=letters_url(settings, submission.public_id),
            expires_at=submission.expires_at,
        )
    )
    subject, _, body = text.partition("\n")
    return LetterText(subject.strip(), body.strip("\n") + "\n")
