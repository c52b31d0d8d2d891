"""One key for one person, however they type their address."""

import hashlib
import hmac

from app.addresses import fold, without_tag
from app.models import Submission
from app.settings import TRIED_OUT, Settings


def person_key(settings: Settings, email: str) -> str:
    """A keyed hash of the folded address, 64 hex digits: tells people apart, names nobody."""
    return _keyed(settings, fold(email))


def person_keys(settings: Settings, email: str) -> list[str]:
    """Today's key, then the one that older rows have for this spelling.

    Those of Gmail's addresses had their dots in them once, and no key can be made anew where the
    address is gone.
    """
    return [_keyed(settings, one) for one in dict.fromkeys((fold(email), without_tag(email)))]


def keys_of(settings: Settings, submission: Submission) -> list[str]:
    """The same for whoever filled in a form; they are somebody else each time they try one out."""
    known = [] if submission.delivery in TRIED_OUT else person_keys(settings, submission.email)
    return list(dict.fromkeys((submission.person_key, *known)))


def stopped_key(settings: Settings, public_id: str) -> str:
    """In place of the key where somebody else had typed the address: tells that, and nobody's name,
    of the form alone."""
    return _keyed(settings, f"stopped {public_id}")


def _keyed(settings: Settings, text: str) -> str:
    return hmac.new(settings.secret, text.encode(), hashlib.sha256).hexdigest()
