"""Signed links: each for one purpose, spent by the state of its row, not by the token."""

import hashlib
import hmac
from datetime import datetime

from itsdangerous import BadSignature, Signer

from app import clock
from app.errors import LinkDamaged, LinkExpired, Missing
from app.settings import Settings

CONFIRM = "confirm"  # confirms a submission
LETTERS = "letters"  # shows what became of its letters
STOP = "stop"  # ends all mail to its supporter's address
LOOK = "look-in-your-mail"  # opens only the page on which its code is typed
INVITATION = "invitation"  # makes somebody an organiser
SECOND_STEP = "second-step"  # the password was right, the code is to come
KNOWN_BROWSER = "known-browser"  # somebody was let in there; it opens nothing

CODE_DIGITS = 6
IN_MAILS = (CONFIRM, LETTERS, STOP)  # to supporters; mail programs and people cut them
# what may follow a link where it was copied from; no token ends so
AFTER_A_LINK = " \t\r\n\u00a0\u200b.,;:!?…<>()[]{}\"'«»“”‘’*|"


def link_token(settings: Settings, purpose: str, public_id: str) -> str:
    """Short enough that a link stays on one line of a mail: a program that cuts it loses it."""
    return _signer(settings, purpose).sign(public_id).decode()


def read_token(settings: Settings, purpose: str, token: str) -> str:
    """The submission's public id. Raises Missing when the token is not ours or for another use;
    LinkDamaged, a kind of it, for one from a mail to a supporter."""
    try:
        return _signer(settings, purpose).unsign(token.rstrip(AFTER_A_LINK)).decode()
    except BadSignature:
        raise (LinkDamaged if purpose in IN_MAILS else Missing)("link") from None


def timed_token(settings: Settings, purpose: str, value: str, until: datetime) -> str:
    """The same with an end."""
    return link_token(settings, purpose, f"{value}.{int(until.timestamp())}")


def read_timed(settings: Settings, purpose: str, token: str) -> str:
    """What a timed token is for. Raises Missing, or LinkExpired when its time is over."""
    value, _, until = read_token(settings, purpose, token).rpartition(".")
    if clock.now().timestamp() >= int(until):
        raise LinkExpired
    return value


def confirm_url(settings: Settings, public_id: str) -> str:
    return f"{_root(settings)}/confirm/{link_token(settings, CONFIRM, public_id)}"


def confirm_code(settings: Settings, public_id: str) -> str:
    """What stands beside the confirm link, for those whose mail program takes links away.

    Six digits made from the secret, so that nothing is kept; `letters.asking.codes` says how often
    they may be tried. Cut off a hash, they lean to none of a million by more than one in 2**44.
    """
    made = hmac.new(settings.secret, f"confirm code {public_id}".encode(), hashlib.sha256).digest()
    return f"{int.from_bytes(made[:8]) % 10**CODE_DIGITS:0{CODE_DIGITS}}"


def letters_url(settings: Settings, public_id: str) -> str:
    return f"{_root(settings)}/letters/{link_token(settings, LETTERS, public_id)}"


def stop_url(settings: Settings, public_id: str) -> str:
    return f"{_root(settings)}/stop/{link_token(settings, STOP, public_id)}"


def invitation_url(settings: Settings, organiser_id: int, until: datetime) -> str:
    token = timed_token(settings, INVITATION, str(organiser_id), until)
    return f"{_root(settings)}/organise/invitations/{token}"


def _root(settings: Settings) -> str:
    return settings.public_url.rstrip("/")


def _signer(settings: Settings, purpose: str) -> Signer:
    return Signer(settings.secret, salt=f"one-email.{purpose}")
