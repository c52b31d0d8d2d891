"""What a letter may not say, told kindly at its field: links, shouting, insults, pasted spam.

Mail filters turn such letters away, and offices put them aside; the others to the same office
suffer with them. Nothing is cut or changed: the supporter is shown what was meant.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from string import ascii_letters

from app.letters.words import insults

SHOUTED, SHARE = 5, 0.7  # words in capitals, and their part of all letters
SHOUTED_PART = 12  # words of one paragraph; a name and an address may well be in capitals
IN_A_ROW, RULE = 20, 78  # the same sign; a line of dashes may be as long as a line
TIMES = 5  # the same sentence
SHORT = 30  # signs; less is never called senseless
BLOB = 70  # signs
PIECE = 60  # signs of what is shown of it

TAGS = "a|b|i|u|p|br|div|span|img|script|style|iframe|table|tr|td|ul|ol|li|h[1-6]|font|strong|em"
TAGS += "|center|form|input|svg|object|link|meta|html|body|head|video|button"
LINK = re.compile(
    r"""(?<![a-z]) [a-z][a-z0-9+.-]{1,15}:// \S+
      | (?<![\w@.-]) www\d?\. [^\s.] \S*
      # a domain with a path; “and/or”, “a.m./p.m.” and a full stop without a space are none
      | (?<![\w@./-]) (?:[\w-]+\.)* (?: [\w-]{2,}\.(?-i:[a-z]{2}|com|net|org|info|biz|app|dev|xyz
          |online|site|shop|store|news|club|link|live|blog|page|top) | [a-z]\.(?:com|me|co|ly) )
        (?::\d+)? / [\w~?\#%&=+-] \S*""",
    re.VERBOSE | re.IGNORECASE,
)
MARKUP = re.compile(rf"</?(?:{TAGS})(?:\s[^<>]*)?/?>|\[/?(?:url|img)(?:=[^\[\]]*)?\]", re.I)
RUN, DIGIT = re.compile(rf"[A-Za-z0-9+/=_-]{{{BLOB},}}"), re.compile("[0-9]")
SPAM = re.compile(
    r"\b(?:viagra|cialis|levitra|(?:online|crypto)[ -]casino|casino bonus|payday loans?|click here"
    r"|make money fast|double your (?:bitcoin|money)|seo services|buy followers)\b",
    re.IGNORECASE,
)
ROW = re.compile(rf"(\S)\1{{{IN_A_ROW},}}")
WORD = re.compile(r"[^\W\d_]+")
SENTENCE = re.compile(r"[.!?…。！？।\n]+")


class Refused(str):
    """A reason, as `web/forms.py` knows it, and the piece of the text that was meant."""

    piece: str

    def __new__(cls, reason: str, piece: str = "") -> "Refused":
        made = super().__new__(cls, reason)
        piece = " ".join(piece.split())
        made.piece = piece if len(piece) <= PIECE else piece[: PIECE - 1].rstrip() + "…"
        return made


def why(text: str, refused_words: Sequence[str] = ()) -> Refused | None:
    """Why a text cannot go out as it is; None for one that can.

    `refused_words`: the alert's own list; see `insults`.
    """
    if reason := _listed(text, insults.among(text, refused_words)):
        return reason
    for kind, look in LOOKS.items():
        if piece := look(text):
            return Refused(kind, piece)
    return None


def why_of_a_name(text: str, refused_words: Sequence[str] = ()) -> Refused | None:
    """The same for a name, a town, a postal address: some are all capitals, or hardly a word."""
    return _listed(text, insults.in_a_name(text, refused_words))


def _listed(text: str, insult: str) -> Refused | None:
    if found := LINK.search(text):
        return Refused("link", found[0].rstrip(".,;:!?)”»\"'"))
    if found := MARKUP.search(text):
        return Refused("markup", found[0])
    if insult:
        return Refused("insult", insult)
    if found := SPAM.search(text):
        return Refused("spam", found[0])
    return None


def _shouted(text: str) -> str:
    """The first words of a text, or of a paragraph of it, that is all in capitals."""
    most = [(text, SHOUTED), *((part, SHOUTED_PART) for part in text.split("\n\n"))]
    for part, few in most:
        # scripts such as Arabic and Thai have no capitals
        words = [one for one in WORD.findall(part) if len(one) > 1 and one.upper() != one.lower()]
        shouted = [one for one in words if one.isupper()]
        if len(shouted) >= few and sum(map(len, shouted)) >= SHARE * sum(map(len, words)):
            return " ".join(shouted[:SHOUTED])
    return ""


def _repeated(text: str) -> str:
    """A sign, a sentence or a few words said over and over."""
    for found in ROW.finditer(text):
        if found[1] not in "-–—_=*.·~" or len(found[0]) > RULE:
            return found[0][:IN_A_ROW]
    said = Counter(one for one in _sentences(text) if len(one) >= 8)
    for sentence, times in said.most_common(1):
        if times >= TIMES:
            return sentence
    words = [one.casefold() for one in WORD.findall(text)]
    if len(words) >= 24 and len(set(words)) * 6 < len(words):
        return " ".join(words[:6])
    return ""


def _sentences(text: str) -> Iterator[str]:
    for one in SENTENCE.split(text):
        yield " ".join(one.split()).casefold()


def _senseless(text: str) -> str:
    """A text with hardly a word in it, or with something in it that only machines read."""
    if blob := _blob(text):
        return blob
    signs = [one for one in text if not one.isspace()]
    # a mark belongs to its letter: without it Thai or Hindi would look like signs
    letters = sum(unicodedata.category(one)[0] in "LM" for one in signs)
    return text if len(signs) >= SHORT and letters < 0.4 * len(signs) else ""


def _blob(text: str) -> str:
    """Seventy signs in a row that are letters with a digit behind them.

    Looked for in one pattern, ten thousand letters held up everybody for seconds.
    """
    for run in RUN.finditer(text):
        if digit := DIGIT.search(run[0]):
            begins = len(run[0][: digit.start()].rstrip(f"{ascii_letters}+/"))
            if len(blob := run[0][begins:]) >= BLOB:
                return blob
    return ""


LOOKS: dict[str, Callable[[str], str]] = {
    "capitals": _shouted,
    "repeated": _repeated,
    "senseless": _senseless,
}
