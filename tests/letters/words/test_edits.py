"""Letters written anew: what is kept of them, and what is said at their fields."""

from app.letters.form import Form, tidy
from app.letters.words import edits
from app.letters.words.edits import Edit
from app.letters.words.refused import Refused
from app.web import forms
from app.wording.render import LetterText

OURS = LetterText("Please stay", "Dear Prime Minister,\n\nStay.\n\nMari Mägi\nTartu\n")


def posted(edit: Edit, **changes: str) -> Edit:
    """As a browser sends it back, with its own ends of lines."""
    typed = edit._replace(**changes)
    typed = typed._replace(body=typed.body.replace("\n", "\r\n"))
    return tidy(Form(edits={7: typed})).edits[7]


def told(edit: Edit, name: str = "Mari Mägi") -> dict[str, str]:
    return edits.faults({7: edit}, name=name, refused_words=["idiot"])


def test_a_letter_that_was_opened_and_not_touched_is_ours() -> None:
    edit = posted(edits.of(OURS, "voted"))
    assert not edits.is_touched(edit)
    assert told(edit, name="Somebody Else") == {}
    assert edits.kept(edit, LetterText("Other", "words\n"), "voted") is None


def test_one_that_reads_as_ours_in_the_end_is_ours_too() -> None:
    edit = posted(edits.BEGUN, subject=OURS.subject, body=OURS.body)
    assert edits.is_touched(edit)
    assert edits.kept(edit, OURS, "voted") is None


def test_one_that_was_changed_is_kept_as_it_was_written_and_with_its_stage() -> None:
    edit = posted(edits.of(OURS, "voted"), body="Please.\n\n\nMARI\nMägi  \n")
    assert told(edit) == {}
    kept = edits.kept(edit, OURS, "notified")
    assert kept == {"stage": "voted", "subject": "Please stay", "body": "Please.\n\n\nMARI\nMägi"}
    anew = edits.kept(edit._replace(stage=""), OURS, "notified")
    assert anew is not None
    assert anew["stage"] == "notified"


def test_it_needs_a_subject_and_the_name_of_who_writes() -> None:
    edit = posted(edits.of(OURS, "voted"), subject=" ", body="Nobody wrote this.")
    assert told(edit) == {"edit-7-subject": "missing", "edit-7-body": "nameless"}
    said = forms.sentences(told(edit), "en")
    assert "“Mari Mägi”" in said["edit-7-body"]


def test_it_says_nothing_that_own_words_may_not_say() -> None:
    edit = posted(edits.of(OURS, "voted"), subject="www.example.org", body="Idiot!\nMari Mägi")
    found = told(edit)
    assert found == {"edit-7-subject": "link", "edit-7-body": "insult"}
    assert isinstance(found["edit-7-body"], Refused)
    assert "“Idiot”" in forms.sentences(found, "en")["edit-7-body"]


def test_one_that_is_too_long_is_told_with_its_limit() -> None:
    edit = posted(edits.of(OURS, "voted"), subject="x" * 151, body="Mari Mägi " * 1_001)
    assert told(edit) == {"edit-7-subject": "too_long", "edit-7-body": "too_long"}
    said = forms.sentences(told(edit), "en")
    assert "150" in said["edit-7-subject"]
    assert "10000" in said["edit-7-body"]


def test_hidden_fields_bring_no_more_than_a_page_of_ours_puts_there() -> None:
    edit = posted(edits.of(OURS, "voted"), stage="x" * 100_000, begun="y" * 100_000)
    assert (len(edit.stage), len(edit.begun)) == (40, 16)
