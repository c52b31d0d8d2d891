"""Letters that their supporter writes anew: kept as written, refused kindly, dropped where they
say no other than ours."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from app.letters.words import refused
from app.letters.words.texts import clean
from app.models import Submission
from app.wording.render import LetterText

SUBJECT, BODY = 150, 10_000  # signs
STAGE, MARK = 40, 16  # of hidden fields, which nobody types: what is longer is none of ours
PARTS = ("stage", "subject", "body", "begun")


class Edit(NamedTuple):
    """`stage`: the one it was written for, empty: the one of today. `begun`: the mark of the text
    it was begun from, by which one that was not touched is known."""

    stage: str = ""
    subject: str = ""
    body: str = ""
    begun: str = ""


def field(target_id: int, part: str) -> str:
    """What the field of an office's letter is called on a form: edit-7-body."""
    return f"edit-{target_id}-{part}"


def mark(subject: str, body: str) -> str:
    return hashlib.sha256(f"{subject}\n\n{body}".encode()).hexdigest()[:MARK]


BEGUN = Edit(begun=mark("", ""))  # nothing typed yet: shows our text, whatever that is


def of(text: LetterText, stage: str) -> Edit:
    """Our text, ready to be changed."""
    subject, body = _plain(text)
    return Edit(stage, subject, body, mark(subject, body))


def tidy(edit: Edit) -> Edit:
    subject, body = clean(edit.subject), clean(edit.body, one_line=False)
    return Edit(clean(edit.stage)[:STAGE], subject, body, edit.begun[:MARK])


def text(edit: Edit) -> LetterText:
    return LetterText(edit.subject, edit.body.strip("\n") + "\n")


def is_touched(edit: Edit) -> bool:
    return mark(edit.subject, edit.body) != edit.begun


def too_long(edits: Mapping[int, Edit]) -> dict[str, str]:
    found = {}
    for target_id, edit in edits.items():
        if len(edit.subject) > SUBJECT:
            found[field(target_id, "subject")] = "too_long"
        if len(edit.body) > BODY:
            found[field(target_id, "body")] = "too_long"
    return found


def faults(edits: Mapping[int, Edit], *, name: str, refused_words: Sequence[str]) -> dict[str, str]:
    """Field → reason, of tidied letters that were touched."""
    found: dict[str, str] = {}
    for target_id, edit in edits.items():
        if not is_touched(edit):
            continue
        for part, said in (("subject", edit.subject), ("body", edit.body)):
            place = field(target_id, part)
            if place in (long := too_long({target_id: edit})):
                found[place] = long[place]
            elif not said:
                found[place] = "missing"
            elif reason := refused.why(said, refused_words):
                found[place] = reason
            elif part == "body" and _folded(name) not in _folded(said):
                found[place] = refused.Refused("nameless", name)
    return found


def outdated(submission: Submission, target_id: int, stage: str) -> Edit | None:
    """What a submission says anew to an office, where it was written for another stage."""
    found = (submission.edits or {}).get(str(target_id))
    if found is None or found["stage"] == stage:
        return None
    return Edit(found["stage"], found["subject"], found["body"])


def kept(edit: Edit, ours: LetterText, stage: str) -> dict[str, str] | None:
    """What a submission keeps of it; None where the letter reads as ours."""
    if not is_touched(edit) or (edit.subject, edit.body) == _plain(ours):
        return None
    return {"stage": edit.stage or stage, "subject": edit.subject, "body": edit.body}


def _plain(ours: LetterText) -> tuple[str, str]:
    """Our text as a form would post it back."""
    return clean(ours.subject), clean(ours.body, one_line=False)


def _folded(said: str) -> str:
    return " ".join(said.split()).casefold()
