"""A form becomes a submission, its letters (held) and one notice, in one transaction."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.addresses import fold
from app.campaigns import alerts, offices
from app.campaigns.offices import Office
from app.contacts import directory
from app.errors import FormRefused, OwnMailboxOnly
from app.letters import form as forms
from app.letters.form import Form
from app.letters.people import person_key
from app.letters.words import edits
from app.models import Alert, NoticeKind, OwnMailbox, Submission
from app.outbox import notices, queue
from app.settings import TRIED_OUT, Settings
from app.wording import render

PATIENCE = timedelta(days=7)  # how long letters wait for their supporter's confirmation
A_SEED = 2**31


class Submitted(NamedTuple):
    """What became of a form: the submission, and how many offices it asks for."""

    submission: Submission
    letters: int


async def submit(session: AsyncSession, settings: Settings, alert: Alert, form: Form) -> Submitted:
    """Take a form. The answer is the same for an address we know and one we do not.

    Raises AlertClosed, AlertNotOpen, AlertFrozen, OwnMailboxOnly, or FormRefused with a reason for
    each field.
    """
    await alerts.check_open(session, alert)
    if alert.own_mailbox == OwnMailbox.ONLY:
        raise OwnMailboxOnly
    delivery = alerts.delivery_for(alert, settings, form.email)
    available = await offices.of_alert(session, alert, delivery)
    form, chosen = checked(alert, form, available)
    if await directory.any_of(session, [form.email, fold(form.email)]):
        # or a stranger's form would have us write to an office, past its pace
        raise FormRefused({"email": "an_office"})
    submission = of_form(settings, alert, form, chosen)
    submission.edits = _edits(submission, form, chosen)
    session.add(submission)
    await session.flush()
    rows = [letter_to(settings, submission, office) for office in chosen]
    await queue.hold(session, rows, by="supporter")
    await notices.put(session, submission, NoticeKind.CONFIRM, mail_domain=settings.mail_domain)
    return Submitted(submission, len(rows))


def choose(form: Form, available: Sequence[Office]) -> list[Office]:
    """The offices a form asks for: those ticked, those of the roles named, or the small default.

    Raises FormRefused when it names a country the alert does not write to, or no office at all.
    """
    countries = {office.target.country for office in available}
    wanted = countries if form.countries is None else {one.upper() for one in form.countries}
    if not wanted <= countries:
        raise FormRefused({"countries": "country_not_in_alert"})
    if not wanted:
        raise FormRefused({"countries": "no_country"})
    chosen = [one for one in available if one.target.country in wanted and _asked_for(form, one)]
    without = wanted - {office.target.country for office in chosen}
    if not chosen or (without and form.countries is not None):
        raise FormRefused({"offices": "no_office"})
    return chosen


def checked(alert: Alert, form: Form, available: Sequence[Office]) -> tuple[Form, list[Office]]:
    """The tidied form and the offices it asks for. Raises FormRefused with both kinds of fault at
    once: a form is sent back only once for all of them.
    """
    faults: dict[str, str] = {}
    chosen: list[Office] = []
    try:
        chosen = choose(form, available)
    except FormRefused as refusal:
        faults |= refusal.fields
    try:
        theirs = {one.target.id for one in chosen} if alert.editable else ()
        anew = {ref: edit for ref, edit in form.edits.items() if ref in theirs}
        form = forms.checked(replace(form, edits=anew), alert.refused_words)
    except FormRefused as refusal:
        faults = refusal.fields | faults
    if faults:
        raise FormRefused(faults)
    return form, chosen


def _asked_for(form: Form, office: Office) -> bool:
    if form.offices is not None:
        return office.target.id in form.offices
    if form.roles is not None:
        return office.target.role in form.roles
    return office.standard


def of_form(settings: Settings, alert: Alert, form: Form, chosen: Sequence[Office]) -> Submission:
    """The row of a form that was checked, not yet in the session."""
    now = clock.now()
    delivery = alerts.delivery_for(alert, settings, form.email)
    required = any(office.wants_address for office in chosen)
    return Submission(
        public_id=new_id(),
        alert_id=alert.id,
        delivery=delivery,
        person_key=_key(settings, delivery, form.email),
        name=form.name,
        email=form.email,
        city=form.city,
        country=form.country,
        postal_address=form.postal_address if required else "",
        own_words=form.own_words,
        subject=form.subject,
        language=form.language,
        variant_seed=form.seed if form.seed is not None else secrets.randbelow(A_SEED),
        source=dict(form.source),
        consent_at=now,
        created_at=now,
        expires_at=now + PATIENCE,
    )


def new_id() -> str:
    """What a submission is called in links: nobody can guess one."""
    return secrets.token_urlsafe(12)


def _edits(
    submission: Submission, form: Form, chosen: Sequence[Office]
) -> dict[str, dict[str, str]]:
    """The letters that they wrote anew; one that reads as ours is ours."""
    found = {}
    for office in chosen:
        if edit := form.edits.get(office.target.id):
            ours = render.of_submission(
                submission, office.target, office.template, office.country, stage=office.stage
            )
            if kept := edits.kept(edit, ours, office.stage):
                found[str(office.target.id)] = kept
    return found


def _key(settings: Settings, delivery: str, email: str) -> str:
    """Whoever tries an alert out does so again and again, and is somebody else each time."""
    return secrets.token_hex(32) if delivery in TRIED_OUT else person_key(settings, email)


def letter_to(settings: Settings, submission: Submission, office: Office) -> dict[str, object]:
    """The row that the outbox holds. Raises TemplateBroken: what cannot be written is not held."""
    render.of_submission(
        submission, office.target, office.template, office.country, stage=office.stage
    )
    return {
        "submission_id": submission.id,
        "alert_id": submission.alert_id,
        "target_id": office.target.id,
        "person_key": submission.person_key,
        "delivery": submission.delivery,
        "template_id": office.template.id,
        "stage": office.stage,
        "message_id": f"<{secrets.token_hex(14)}@{settings.mail_domain}>",
    }
