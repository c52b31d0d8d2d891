"""The text of mail to supporters, in their language."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.languages import translations
from app.models import Notice, Submission
from app.settings import Settings
from app.tokens import confirm_url, letters_url
from app.wording.render import LetterText

FOLDER = Path(__file__).parents[2] / "templates" / "notices"

_environment = Environment(
    loader=FileSystemLoader(FOLDER),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701  plain text, never shown as HTML
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=["jinja2.ext.i18n"],
)


def write(notice: Notice, submission: Submission, *, settings: Settings) -> LetterText:
    """A notice: its first line is the subject, the rest the body.

    `submission.alert` must be loaded.
    """
    spoken = translations(submission.language)
    environment = _environment.overlay()
    environment.install_gettext_translations(spoken, newstyle=True)  # type: ignore[attr-defined]
    text = environment.get_template(f"{notice.kind}.txt").render(
        name=submission.name,
        alert=submission.alert,
        organisation=settings.organisation_name,
        delivery=settings.delivery,
        confirm_url=confirm_url(settings, submission.public_id),
        letters_url=letters_url(settings, submission.public_id),
        expires_at=submission.expires_at,
    )
    subject, _, body = text.partition("\n")
    return LetterText(subject.strip(), body.strip("\n") + "\n")
