"""A supporter proves that the address is theirs, having read the exact letters; then they leave."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app import clock
from app.campaigns import offices
from app.errors import FormRefused, LinkExpired, Missing, TextChanged
from app.letters import form as forms
from app.letters import participation
from app.letters.people import keys_of
from app.letters.words import edits, prints, texts
from app.letters.words.edits import Edit
from app.models import (
    FREED,
    Alert,
    AlertCountry,
    Contact,
    Letter,
    LetterStatus,
    LetterTemplate,
    NoticeKind,
    Submission,
    Target,
)
from app.outbox import notices, queue, suppressions
from app.settings import Settings
from app.wording import render
from app.wording.render import LetterText

WITH_ALERT = (
    selectinload(Submission.alert).selectinload(Alert.campaign),
    selectinload(Submission.alert).selectinload(Alert.countries),
)


@dataclass(frozen=True)
class Waiting:
    """A letter as it reads now and will leave: shown before the button, sealed by it."""

    letter: Letter
    target: Target
    contact: Contact | None
    country: AlertCountry
    template: LetterTemplate
    stage: str
    text: LetterText
    outdated: Edit | None = None  # what was written anew for an earlier stage, and does not leave
    lacks_address: bool = False  # its office asks for the sender's postal address


@dataclass(frozen=True)
class Confirmed:
    """How many letters were queued, were already written, or may not be written."""

    queued: int
    duplicates: int
    suppressed: int


async def load(session: AsyncSession, public_id: str) -> Submission:
    """A submission with its alert. Raises Missing for one that is not there or was erased."""
    submission = await session.scalar(
        select(Submission)
        .where(Submission.public_id == public_id, Submission.erased_at.is_(None))
        .options(*WITH_ALERT)
    )
    if submission is None:
        raise Missing("link")
    return submission


async def waiting(session: AsyncSession, submission: Submission) -> list[Waiting]:
    """The held letters, each with today's stage and the newest text: what the button will send."""
    alert = submission.alert
    current = {
        one.target.id: one for one in await offices.of_alert(session, alert, submission.delivery)
    }
    countries = {one.country: one for one in alert.countries}
    rows = await session.execute(
        select(Letter, Target, Contact, LetterTemplate)
        .join(Target, Target.id == Letter.target_id)
        .outerjoin(Contact, and_(Contact.target_id == Target.id, Contact.retired_at.is_(None)))
        .join(LetterTemplate, LetterTemplate.id == Letter.template_id)
        .where(Letter.submission_id == submission.id, Letter.status == LetterStatus.HELD)
        .order_by(Letter.id)
    )
    found = []
    for letter, target, contact, template in rows:
        office = current.get(target.id)  # None: the office cannot be written to just now
        stage = office.stage if office else letter.stage
        template = office.template if office else template
        country = countries[target.country]
        text = render.of_submission(submission, target, template, country, stage=stage)
        old = edits.outdated(submission, target.id, stage)
        lacks = _lacks_address(submission, country, target, stage)
        found.append(Waiting(letter, target, contact, country, template, stage, text, old, lacks))
    return found


def _lacks_address(
    submission: Submission, country: AlertCountry, target: Target, stage: str
) -> bool:
    """One that was written anew may well have it in its text."""
    wants = render.wants_address(country, target.role) and not submission.postal_address
    return wants and render.edited(submission, target.id, stage) is None


def seal(letters: Sequence[Waiting]) -> str:
    """One digest over all the letters that were shown, so that the button sends just those."""
    return hashlib.sha256("".join(one.text.sha256 for one in letters).encode()).hexdigest()


async def reword(session: AsyncSession, submission: Submission, own_words: str) -> None:
    """Let the supporter change their own sentence while the letters wait. Raises FormRefused."""
    words = texts.clean(own_words, one_line=False)
    form = forms.Form(own_words=words)
    if faults := forms.unkind(form, submission.alert.refused_words) | forms.too_long(form):
        raise FormRefused(faults)
    submission.own_words = words
    await session.flush()


async def confirm(
    session: AsyncSession, settings: Settings, submission: Submission, *, shown: str
) -> Confirmed:
    """Queue the letters that were shown. `shown`: the seal of the page the button stood on.

    Pressed twice, the second changes nothing. Raises TextChanged, LinkExpired.
    """
    if not submission.confirmed_at and submission.expires_at <= clock.now():
        raise LinkExpired()
    letters = await waiting(session, submission)
    if letters and seal(letters) != shown:
        raise TextChanged()
    if not await _is_first(session, submission):
        return Confirmed(0, 0, 0)
    addresses = [one.contact.email for one in letters if one.contact]
    barred = await suppressions.among(session, addresses)
    queued, known_as = list[Waiting](), keys_of(settings, submission)
    duplicates = suppressed = 0
    for one in letters:
        if why := barred.get(one.contact.email.casefold()) if one.contact else None:
            await _end(session, one, LetterStatus.SUPPRESSED, why)
            suppressed += 1
        elif await _queue(session, submission, one, known_as):
            queued.append(one)
        else:
            await _end(session, one, LetterStatus.CANCELLED, "you had already written to them")
            duplicates += 1
    if queued:
        await participation.count(session, submission, known_as)
        await prints.keep(session, settings, [_printed(submission, one) for one in queued])
    if duplicates:
        domain = settings.mail_domain
        await notices.put(session, submission, NoticeKind.DUPLICATE, mail_domain=domain)
    return Confirmed(len(queued), duplicates, suppressed)


async def _is_first(session: AsyncSession, submission: Submission) -> bool:
    """Whether nobody pressed before us: the button, or “this was not me”."""
    claimed = await session.scalar(
        update(Submission)
        .where(
            Submission.id == submission.id,
            Submission.confirmed_at.is_(None),
            Submission.erased_at.is_(None),
        )
        .values(confirmed_at=clock.now())
        .returning(Submission.id)
    )
    return claimed is not None


async def lapse(session: AsyncSession) -> int:
    """End the letters whose supporters never confirmed; gives how many."""
    too_old = select(Submission.id).where(
        Submission.expires_at <= clock.now(), Submission.confirmed_at.is_(None)
    )
    moved = await queue.move(
        session,
        [Letter.submission_id.in_(too_old)],
        frm=LetterStatus.HELD,
        to=LetterStatus.LAPSED,
        by="the clock",
        note="never confirmed",
    )
    return len(moved)


async def _queue(
    session: AsyncSession, submission: Submission, one: Waiting, known_as: Sequence[str]
) -> bool:
    """Queue a letter, unless this person already wrote to this office in this alert."""
    if await _already_written(session, submission, one, known_as):
        return False
    sealed = {
        "stage": one.stage,
        "template_id": one.template.id,
        "text_sha256": one.text.sha256,
        "not_before": clock.now(),
    }
    try:
        async with session.begin_nested():
            moved = await queue.move(
                session,
                [Letter.id == one.letter.id],
                frm=LetterStatus.HELD,
                to=LetterStatus.QUEUED,
                by="supporter",
                values=sealed,
            )
    except IntegrityError:  # the same person confirmed the same letter at this very moment
        return False
    return bool(moved)


def _printed(submission: Submission, one: Waiting) -> prints.Confirmed:
    text = prints.unnamed(one.text, submission)
    return prints.Confirmed(one.letter.id, one.target.id, one.letter.delivery, text)


async def _already_written(
    session: AsyncSession, submission: Submission, one: Waiting, known_as: Sequence[str]
) -> bool:
    found = await session.scalar(
        select(Letter.id)
        .where(
            Letter.alert_id == submission.alert_id,
            Letter.target_id == one.target.id,
            Letter.delivery == submission.delivery,
            Letter.person_key.in_(known_as),
            Letter.status.not_in(FREED),
        )
        .limit(1)
    )
    return found is not None


async def _end(session: AsyncSession, one: Waiting, to: LetterStatus, note: str) -> None:
    await queue.move(
        session,
        [Letter.id == one.letter.id],
        frm=LetterStatus.HELD,
        to=to,
        by="supporter" if to is LetterStatus.CANCELLED else "the suppression list",
        note=note,
    )
