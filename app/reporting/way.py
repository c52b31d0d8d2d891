"""The way of the letters: the whole as one bar, and the parts it is made of, end to end."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.models import LetterStatus

# in the order a letter meets them
PARTS: dict[str, tuple[LetterStatus, ...]] = {
    "unconfirmed": (LetterStatus.HELD, LetterStatus.LAPSED),
    "waiting": (LetterStatus.QUEUED, LetterStatus.SENDING),
    "handed_over": (LetterStatus.HANDED_OVER,),
    "accepted": (LetterStatus.ACCEPTED,),
    "lost": (
        LetterStatus.BOUNCED,
        LetterStatus.REJECTED,
        LetterStatus.EXPIRED,
        LetterStatus.FAILED,
    ),
    "called_off": (LetterStatus.CANCELLED, LetterStatus.SUPPRESSED),
}


@dataclass(frozen=True)
class Stretch:
    """A part of the way: `x` and `width` in percent of the whole; parts lie end to end."""

    key: str
    n: int
    x: float
    width: float


def parts(letters: Mapping[str, int]) -> dict[str, int]:
    """How many letters are in each part; a part none of whose statuses is there is left out."""
    return {
        key: sum(letters[status] for status in shown)
        for key, statuses in PARTS.items()
        if (shown := [status for status in statuses if status in letters])
    }


def stretches(letters: Mapping[str, int]) -> list[Stretch]:
    """The whole first, then its parts in the order a letter meets them.

    A status that `letters` does not have is not part of the whole: public counts leave some out.
    """
    total = sum(letters.values())
    found = [Stretch("whole", total, 0, _percent(total, total))]
    before = 0
    for key, n in parts(letters).items():
        found.append(Stretch(key, n, _percent(before, total), _percent(n, total)))
        before += n
    return found


def _percent(n: int, total: int) -> float:
    return round(100 * n / total, 3) if total else 0
