"""What each text of a template says by itself: its braces, its length, its loudness."""

import re
from collections.abc import Iterator
from itertools import islice

from app.wording import allowed
from app.wording.examining.findings import Examined, Finding

MOST_TOKENS = 6_000  # in all the texts of a letter: what takes long to read is not read
MOST_PIECES = 150  # texts in a letter: as many variants as there may be, and room for the rest
MOST_HITS = 5  # of one kind in one text: the next examination tells the rest
LOUD = re.compile(r"[!?]{2,}|[$€£]{2,}")
CAPITALS = re.compile(r"\b[^\W\d_]{3,}\b")
IN_CAPITALS = 4  # words in a row: an abbreviation or two is no shouting
SPAM = re.compile(
    r"\b(?:click here|act now|100 ?% free|limited time|money back|risk[- ]free|winner)\b", re.I
)
SHORTENERS = re.compile(r"\bhttps?://(?:bit\.ly|tinyurl\.com|t\.co|goo\.gl|is\.gd|ow\.ly)/", re.I)
UNFILLED = re.compile(r"\[[^\[\]\n]{2,120}\]")


def misused(examined: Examined) -> Iterator[Finding]:
    """What the braces of each text may not do."""
    for place, text in examined.pieces.items():
        for misuse in allowed.misuses(text, allowed.IN_A_PIECE):
            yield examined.told(place, misuse.sentence, line=misuse.line)
    for misuse in allowed.misuses(examined.fields.body, allowed.IN_A_BODY):
        yield examined.told("body", misuse.sentence, line=misuse.line)


def looked_at(examined: Examined) -> Iterator[Finding]:
    """What a reader, or a filter of unwanted mail, would stumble over."""
    for place, text in [*examined.pieces.items(), ("body", examined.fields.body)]:
        if place.startswith("subjects.") and "\n" in text:
            yield examined.told(place, "A subject is one line; take the line break out", line=2)
        for pattern, serious, sentence in (
            (UNFILLED, True, "“{}” looks like a gap to be filled; fill it, or use round brackets"),
            (LOUD, False, "“{}” is loud, and filters of unwanted mail look for it"),
            (SPAM, False, "“{}” is what filters of unwanted mail look for"),
            (SHORTENERS, False, "“{}” hides where it leads, and filters look for it"),
        ):
            for hit in islice(pattern.finditer(text), MOST_HITS):
                line = text.count("\n", 0, hit.start()) + 1
                said = sentence.format(hit[0])
                yield examined.told(place, said, line=line, serious=serious)
        yield from _shouted(examined, place, text)


def _shouted(examined: Examined, place: str, text: str) -> Iterator[Finding]:
    for number, line in enumerate(text.split("\n"), 1):
        run = longest = 0
        for word in CAPITALS.findall(line):
            run = run + 1 if word.isupper() else 0
            longest = max(longest, run)
        if longest >= IN_CAPITALS:
            sentence = "Words in capitals read as shouting, and filters look for them"
            yield examined.told(place, sentence, line=number, serious=False)
            return
