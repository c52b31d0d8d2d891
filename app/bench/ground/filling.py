"""Made-up supporters, and their letters: confirmed and due."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.bench.ground.offices import furnish
from app.bench.ground.processes import UNHURRIED
from app.campaigns import offices
from app.campaigns.offices import Office
from app.db import add_up
from app.letters import submission
from app.letters.form import Form
from app.models import (
    Alert,
    Letter,
    LetterStatus,
    Notice,
    NoticeKind,
    Participation,
    SourceCount,
    Submission,
    SupporterCount,
)
from app.outbox import queue
from app.settings import Delivery, Settings
from app.wording import render

NAMES = (
    *("Mari Mägi", "Jānis Bērziņš", "Rūta Žukauskaitė", "Paweł Dąbrowski", "Väinö Hämäläinen"),
    *("Jürgen Großmann", "Zoé Lefèvre", "João Gonçalves", "Pádraig Ní-Dhomhnaill", "Lucía Muñoz"),
    *("Ελένη Παπαδοπούλου", "Олена Шевчук", "ليلى حداد", "田中 さくら", "Nguyễn Thị Hạnh"),
)
OWN_WORDS = (
    "My grandmother still remembers the mines. Jõgi ei küsi, kummal kaldal sa sündisid. She was"
    " nine when the field behind the house was closed, and seventy when it was opened again.",
    "As a teacher I take a class to the border every spring – they remember it for years. I would"
    " like to go on doing so, and I would like their children to walk there too; “no entry” is not"
    " a word that a river understands. Please think of those who live beside it, on both sides.",
    "I clear mines for a living. It takes a minute to lay one and a day to find it, and the last"
    " one that I found was older than I am. I have read that this time they will be mapped, and"
    " fenced, and lifted in time. That was said of those as well.",
)
BATCH = 1000


def settings(folder: Path, database_url: str) -> Settings:
    """Those that the measured workers have."""
    prefix = len("ONE_EMAIL_")
    raised = {name[prefix:].lower(): value for name, value in UNHURRIED.items()}
    around = {"data_dir": folder, "database_url": database_url}
    return Settings(_env_file=None, **(raised | around))  # type: ignore[arg-type]


async def fill(session: AsyncSession, ours: Settings, letters: int) -> Alert:
    """Put so many letters of as many supporters into an empty outbox: confirmed and due now."""
    alert = await furnish(session)
    available = await offices.of_alert(session, alert, Delivery.LIVE)
    for first in range(0, letters, BATCH):
        numbers = range(first, min(first + BATCH, letters))
        await _supporters(session, ours, alert, available, numbers)
    waiting = [Letter.alert_id == alert.id]
    await queue.move(
        session, waiting, frm=LetterStatus.HELD, to=LetterStatus.QUEUED, by="supporter"
    )
    return alert


async def _supporters(
    session: AsyncSession,
    ours: Settings,
    alert: Alert,
    available: Sequence[Office],
    numbers: Sequence[int],
) -> None:
    chosen = [available[number % len(available)] for number in numbers]
    forms = [
        submission.of_form(ours, alert, _form(number), [office])
        for number, office in zip(numbers, chosen, strict=True)
    ]
    for one in forms:
        one.confirmed_at = clock.now()
    session.add_all(forms)
    await session.flush()
    rows = [_letter(ours, one, office) for one, office in zip(forms, chosen, strict=True)]
    await queue.hold(session, rows, by="supporter")
    # their copies are on record as sent: what is measured is letters, not mail to supporters
    await session.execute(insert(Notice), [_copy(one) for one in forms])
    for scope, ref in (("alert", alert.id), ("campaign", alert.campaign_id)):
        place = {"scope": scope, "ref": ref, "delivery": str(Delivery.LIVE)}
        people = [place | {"person_key": one.person_key, "at": clock.now()} for one in forms]
        await session.execute(insert(Participation), people)
        counted = [place | {"n": len(forms)}]
        add_up(session, SupporterCount.__table__, counted)  # type: ignore[arg-type]
    came = {"alert_id": alert.id, "delivery": str(Delivery.LIVE), "source": "", "n": len(forms)}
    add_up(session, SourceCount.__table__, [came])  # type: ignore[arg-type]
    session.expunge_all()


def _form(number: int) -> Form:
    return Form(
        name=NAMES[number % len(NAMES)],
        email=f"supporter-{number + 1}@example.org",
        city="Tartu",
        country="EE",
        postal_address="Made-up Street 1, Tartu",
        own_words=OWN_WORDS[number % len(OWN_WORDS)],
        consent=True,
        seed=number,
    )


def _letter(ours: Settings, form: Submission, office: Office) -> dict[str, object]:
    row = submission.letter_to(ours, form, office)
    text = render.of_submission(
        form, office.target, office.template, office.country, stage=office.stage
    )
    return row | {"text_sha256": text.sha256}


def _copy(form: Submission) -> dict[str, object]:
    now = clock.now()
    return {
        "submission_id": form.id,
        "person_key": form.person_key,
        "kind": NoticeKind.COPY,
        "status": LetterStatus.HANDED_OVER,
        "status_at": now,
        "created_at": now,
        "not_before": now,
        "attempts": 1,
        "delivery": form.delivery,
        "message_id": f"<n.{form.public_id}@letters.example.org>",
    }
