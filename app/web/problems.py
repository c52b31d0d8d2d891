"""The only table from a refusal to its status and its words.

Below `web/` nobody knows HTTP. The words say what happened, that nothing was lost, and what to do.
"""

import re
from dataclasses import dataclass

from app import errors
from app.languages import marked as _


@dataclass(frozen=True)
class Problem:
    """A status, and what the page says; `%(…)s` in a sentence is filled by `answers`."""

    status: int
    title: str
    sentence: str


NOT_SAVED = Problem(
    503,
    _("This could not be saved just now"),
    _("It was not stored, and nothing was sent. Please try again in a moment."),
)
NOT_READ = Problem(
    503,
    _("This page cannot be shown just now"),
    _("The database did not answer. Nothing was lost. Please try again in a moment."),
)
SURPRISE = Problem(
    500,
    _("Something went wrong on our side"),
    _(
        "This is our mistake, not yours. What was saved before is safe, and this step was not"
        " taken. Please try again; if it happens twice, tell the organisers."
    ),
)
REFUSALS: dict[type[Exception], Problem] = {
    errors.Refusal: Problem(422, _("This cannot be done"), _("Nothing was changed. %(said)s")),
    errors.Missing: Problem(
        404,
        _("There is nothing here"),
        _("The address may be mistyped, or what was here has been taken away."),
    ),
    errors.LinkDamaged: Problem(
        404,
        _("This link is not whole"),
        _(
            "A part of it is missing or has changed on the way. Nothing is lost: please copy all of"
            " it from the mail, to its last sign, into the address line of your browser."
        ),
    ),
    errors.Forgotten: Problem(
        410,
        _("What was here is forgotten"),
        _(
            "Your name, your addresses and your words are gone from here, because you asked for"
            " it or because we keep them no longer. Letters that left stay counted, and nobody"
            " can tell any more who wrote them. Thank you for writing."
        ),
    ),
    errors.AlertClosed: Problem(
        410,
        _("This alert has ended"),
        _(
            "Its form takes no more letters. Letters sent in before it ended can still be"
            " confirmed with the link in your mail, and will leave."
        ),
    ),
    errors.AlertNotOpen: Problem(
        403,
        _("This alert is not open yet"),
        _("It opens on %(opens_on)s. Please come back then."),
    ),
    errors.AlertFrozen: Problem(
        503,
        _("This alert rests for the moment"),
        _(
            "The organisers hold it while they look at something. Letters confirmed before are"
            " kept and wait. Please come back later."
        ),
    ),
    errors.OwnMailboxOnly: Problem(
        409,
        _("These letters go out from your own mailbox"),
        _(
            "This action sends nothing from here, and nothing was stored. Open its page, fill in"
            " the form and choose “Send them from my own mailbox”: each letter then opens in your"
            " own mail program."
        ),
    ),
    errors.FormRefused: Problem(
        422,
        _("Some fields need another look"),
        _("Nothing was sent. Please go back, put these right and send the form again."),
    ),
    errors.LinkExpired: Problem(
        410,
        _("This link is too old"),
        _(
            "Letters wait a week for their confirmation. These were not confirmed in time, so"
            " none of them was sent. You are welcome to write them again."
        ),
    ),
    errors.TextChanged: Problem(
        409,
        _("The letters have changed since you read them"),
        _("Nothing was sent. Please go back and read them once more as they are now."),
    ),
    errors.TooLate: Problem(
        409,
        _("This letter has already left"),
        _("It was sent, or is being sent at this moment, and cannot be called back."),
    ),
    errors.TooEarly: Problem(
        409,
        _("This letter has not left yet"),
        _("Nothing was stored. Once it has left, you can tell us whether they answered."),
    ),
    errors.TooMany: Problem(
        429,
        _("That was a lot in a short time"),
        _(
            "Too many forms came from your connection. Nothing was lost and nothing was sent."
            " Please try again in %(minutes)s minutes."
        ),
    ),
    errors.SignInRefused: Problem(
        401,
        _("That did not work"),
        _("This address and password do not belong together. Please try again."),
    ),
    errors.NotSignedIn: Problem(
        401,
        _("Please sign in"),
        _("This is for organisers. Nothing was changed; sign in, then send the form again."),
    ),
    errors.NotAllowed: Problem(
        403,
        _("This is not open to you"),
        _(
            "Either your role does not cover it, or the form did not come from a page of ours."
            " Nothing was changed. Open the page again and try once more."
        ),
    ),
    errors.FormOutdated: Problem(
        403,
        _("You have signed in again since this page was opened"),
        _("Nothing was changed yet, and what you typed is still here. Send it now, if you like."),
    ),
    errors.LastOwner: Problem(
        422,
        _("Somebody has to be the owner"),
        _("Nothing was changed. Make somebody else an owner first, so that one is always there."),
    ),
    errors.InvitationOver: Problem(
        410,
        _("This invitation is over"),
        _(
            "It works for seven days and once, and whoever sent it can take it back. Sign in if"
            " you have joined already; else ask them to send it again."
        ),
    ),
    errors.TokenRefused: Problem(
        401,
        _("This needs an API token"),
        _("Nothing was changed. Send “Authorization: Bearer one_…” with a token that works."),
    ),
    errors.ScopeMissing: Problem(
        403,
        _("This API token is for something else"),
        _("Nothing was changed. It needs the scope %(scope)s, and a maker whose role covers it."),
    ),
    errors.NotPractice: Problem(
        403,
        _("The sandbox mailbox is closed"),
        _("Letters really leave here, so the practice mailbox is for organisers only."),
    ),
    errors.StepRefused: Problem(
        409,
        _("The alert does not stand where it stood"),
        _("Nothing was changed. Open its page again: %(said)s."),
    ),
    errors.DraftMoved: Problem(
        409,
        _("The draft has changed since you looked at it"),
        _("Nothing was published. Please go back, look at it once more and press again."),
    ),
    errors.PointsOpen: Problem(
        409,
        _("Some points of the check-list are open"),
        _(
            "Nothing was published: %(said)s. A second organiser agrees, or you write down why it"
            " goes on."
        ),
    ),
    errors.Overtaken: Problem(
        409,
        _("Somebody else has changed this meanwhile"),
        _("Nothing of yours was written. Open it again, and look at both."),
    ),
    errors.TemplateBroken: Problem(
        422,
        _("This letter template does not work"),
        _("Nothing was changed. Line %(line)s: %(reason)s"),
    ),
    errors.PackBroken: Problem(
        422, _("This alert cannot be loaded"), _("Nothing was changed. %(said)s")
    ),
    errors.RowRefused: Problem(
        422, _("This list of contacts cannot be taken"), _("Nothing was changed. %(said)s")
    ),
}
STATUSES: dict[int, Problem] = {
    404: REFUSALS[errors.Missing],
    405: Problem(
        405,
        _("This page does not work that way"),
        _("Nothing was changed. Please open the page again and use its own buttons."),
    ),
    413: Problem(
        413,
        _("That was too much at once"),
        _("What was sent is larger than this page takes, and nothing of it was stored."),
    ),
    422: Problem(
        422,
        _("This could not be read"),
        _("Something in the address or the form was not as expected. Nothing was changed."),
    ),
}


def slug(kind: type[Exception]) -> str:
    """AlertClosed → alert-closed."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()
