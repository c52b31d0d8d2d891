"""A month of made-up letters for the Example alert, moved by the real outbox in held time.

Nothing of it waits to be sent, so no worker will ever claim it: every letter is settled, or held
for a supporter who has not confirmed yet. Forms are written a day at once: one by one, as people
send them in, would take half a minute.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from random import Random

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.campaigns import alerts, offices
from app.campaigns.offices import Office
from app.db import write_sums
from app.delivery import settle
from app.delivery.outcome import Deferred, Finished, Outcome, Rejected, Taken
from app.delivery.retry import LEAST_TRIES
from app.demo.people import Person, people
from app.errors import Missing
from app.letters import confirmation, participation, submission
from app.letters.form import Form
from app.letters.words import prints
from app.letters.words.prints import Confirmed
from app.models import Alert, Letter, LetterStatus, Submission
from app.outbox import claims, notices, queue
from app.outbox.claims import Claim
from app.outbox.queue import CANCELLED, HELD, QUEUED, SUPPRESSED
from app.settings import Delivery, Settings, Switch
from app.wording import render
from app.wording.render import LetterText

ALERT = "example"
WORKER = "made-up history"
HOST = "relay.example"
# how a call goes: a rush, a decline, and a second wave when a newsletter reminds people
FORMS_A_DAY = (
    *(34, 29, 21, 16, 12, 9, 7, 8, 8, 6, 5, 4, 5, 6, 5),
    *(4, 19, 17, 12, 8, 6, 5, 6, 5, 4, 3, 4, 5, 6, 4),
)
EVENING = time(18, tzinfo=UTC)
AN_HOUR = timedelta(hours=1)
# of a hundred letters; the others are handed over, and nothing more is heard of them
FATES = {
    "accepted": 24,
    "bounced": 4,
    "rejected": 3,
    "expired": 2,
    "slow": 4,
    "suppressed": 2,
    "withdrawn": 2,
}
NEVER_LEFT = (
    ("suppressed", SUPPRESSED, "the suppression list", "made up: the office has asked us to stop"),
    ("withdrawn", CANCELLED, "supporter", "withdrawn"),
)
HEARD_LATER = (
    ("accepted", LetterStatus.ACCEPTED, "made up: the office's server reports that it took it"),
    ("bounced", LetterStatus.BOUNCED, "made up: 5.1.1 there is no such mailbox"),
)
A_PART = 3  # of the letters is kept to compare new ones with: it is quicker
RECENT = 2  # days whose forms would be reminded of, and nobody is there to read it
PATIENT = timedelta(days=LEAST_TRIES)  # a letter that expires is tried once a day

Written = list[tuple[Submission, list[Office]]]


async def seed(session: AsyncSession, settings: Settings) -> int:
    """Make the history, once; gives how many forms it has. `session` is a writer."""
    try:
        alert = await alerts.by_slug(session, ALERT)
    except Missing:  # an organiser has put it away
        return 0
    if await session.scalar(select(Submission.id).where(Submission.alert_id == alert.id).limit(1)):
        return 0
    history = History(session, settings.model_copy(update={"delivery": Delivery.SANDBOX}), alert)
    evenings = list(history.evenings())
    recent = {evening for evening, _ in evenings[-RECENT:]}
    for evening, forms in evenings:
        with clock.held(evening):
            await history.day(forms, all_confirm=evening in recent)
    if evenings:
        with clock.held(evenings[-1][0] + AN_HOUR):  # those that were told to try again later
            await history.send()
    await notices.forget_waiting(session, alert.id)  # nobody is there to read them
    return sum(forms for _, forms in evenings)


class History:
    """What happened on made-up days, drawn by lot: the same every time."""

    def __init__(self, session: AsyncSession, settings: Settings, alert: Alert) -> None:
        self.session, self.settings, self.alert = session, settings, alert
        self.chance = Random(1997)  # noqa: S311 — a story, not a secret
        self.persons = people(self.chance)
        self.seen: list[Person] = []
        self.written_to: set[tuple[str, int]] = set()
        self.fates: dict[int, str] = {}
        self.texts: dict[tuple[int, int], LetterText] = {}
        self.today = clock.now().date()

    def evenings(self) -> Iterator[tuple[datetime, int]]:
        """Each day's end and number of forms; the last one is yesterday's."""
        days = range(len(FORMS_A_DAY), 0, -1)
        for days_ago, forms in zip(days, FORMS_A_DAY, strict=True):
            evening = datetime.combine(self.today - timedelta(days=days_ago), EVENING)
            if evening > self.alert.opens_at + AN_HOUR:
                yield evening, forms

    async def day(self, forms: int, *, all_confirm: bool) -> None:
        """That many supporters fill in the form; most confirm; what is due leaves."""
        written = await self.write(forms)
        await self.confirm([one for one in written if self.chance.random() > 0.12 or all_confirm])
        await confirmation.lapse(self.session)
        await self.send()

    async def write(self, forms: int) -> Written:
        available = await offices.of_alert(self.session, self.alert, Delivery.SANDBOX)
        written: Written = []
        for _ in range(forms):
            again = self.seen and self.chance.random() < 0.03
            person = self.chance.choice(self.seen) if again else next(self.persons)
            self.seen.append(person)
            form = self.form(person)
            chosen = submission.choose(form, available)
            with clock.held(clock.now() - self.chance.random() * 10 * AN_HOUR):
                written.append(
                    (submission.of_form(self.settings, self.alert, form, chosen), chosen)
                )
        for one, _ in written:
            one.alert = self.alert
            self.session.add(one)
        await self.session.flush()
        rows = [self.sealed(one, office) for one, chosen in written for office in chosen]
        await queue.hold(self.session, rows, by="supporter")
        return written

    def form(self, person: Person) -> Form:
        """Most write to the few that the alert proposes, some to one country or more offices."""
        return Form(
            name=person.name,
            email=person.email,
            city=person.city,
            country=person.country,
            postal_address=person.postal_address,
            own_words=person.own_words,
            consent=True,
            countries=self.chance.choice((None, None, None, ["XA"], ["XB"])),
            roles=self.chance.choice((None, None, ["prime_minister", "defence"], ["president"])),
            seed=self.chance.randrange(2**31),
        )

    def sealed(self, form: Submission, office: Office) -> dict[str, object]:
        """A letter's row as its supporter will confirm it."""
        text = render.of_submission(
            form, office.target, office.template, office.country, stage=office.stage
        )
        self.texts[form.id, office.target.id] = prints.unnamed(text, form)
        row = submission.letter_to(self.settings, form, office)
        return row | {"text_sha256": text.sha256}

    async def confirm(self, confirmed: Written) -> None:
        """Queue their letters; what somebody wrote a second time is cancelled."""
        twice: set[tuple[int, int]] = set()
        for form, chosen in confirmed:
            form.confirmed_at = clock.now()
            places = {(form.person_key, office.target.id) for office in chosen}
            twice |= {(form.id, ref) for key, ref in places if (key, ref) in self.written_to}
            if places - self.written_to:
                await participation.count(self.session, form)
            self.written_to |= places
        forms = [form.id for form, _ in confirmed]
        held = await self.session.execute(
            select(Letter.id, Letter.submission_id, Letter.target_id).where(
                Letter.submission_id.in_(forms)
            )
        )
        letters = {row.id: (row.submission_id, row.target_id) for row in held}
        again = [one for one, place in letters.items() if place in twice]
        await self.move(again, HELD, CANCELLED, "supporter", "you had already written to them")
        once = [one for one in letters if one not in again]
        await self.move(once, HELD, QUEUED, "supporter")
        kept = [(one, *letters[one]) for one in once if one % A_PART == 0]
        await prints.keep(
            self.session,
            self.settings,
            [Confirmed(one, to, Delivery.SANDBOX, self.texts[form, to]) for one, form, to in kept],
        )

    async def move(
        self,
        letter_ids: Sequence[int],
        frm: LetterStatus,
        to: LetterStatus,
        by: str,
        note: str = "",
    ) -> None:
        if letter_ids:
            which = [Letter.id.in_(letter_ids)]
            await queue.move(self.session, which, frm=frm, to=to, by=by, note=note)

    async def send(self) -> None:
        """A worker's round: all that is due is claimed and settled, and later news comes in."""
        await self.decide()
        await write_sums(self.session)  # a claim asks the counts where letters wait
        claimed = await claims.claim(
            self.session,
            worker=WORKER,
            delivery=Delivery.SANDBOX,
            limit=1000,
            lease=AN_HOUR,
            settings=self.settings.model_copy(update={"pacing": Switch.OFF}),
        )
        now = clock.now()
        finished = [
            Finished(one, self.outcome(one), one.contact.email, now, now) for one in claimed
        ]
        await settle.settle(self.session, finished, worker=WORKER, settings=self.settings)
        with clock.held(now + AN_HOUR / 3):
            await self.hear([one.letter.id for one in claimed])

    async def decide(self) -> None:
        """Draw what becomes of each new letter, and end those that will not leave."""
        waiting = select(Letter.id).where(
            Letter.status == LetterStatus.QUEUED, Letter.alert_id == self.alert.id
        )
        new = [one for one in await self.session.scalars(waiting) if one not in self.fates]
        self.fates |= {one: self.fate() for one in new}
        for fate, to, by, note in NEVER_LEFT:
            await self.move([one for one in new if self.fates[one] == fate], QUEUED, to, by, note)

    def fate(self) -> str:
        weights = [*FATES.values(), 100 - sum(FATES.values())]
        fate = self.chance.choices([*FATES, "handed over"], weights)[0]
        in_time = (clock.now() + PATIENT).date() < self.today
        return "slow" if fate == "expired" and not in_time else fate

    def outcome(self, claim: Claim) -> Outcome:
        fate = self.fates[claim.letter.id]
        if fate == "rejected":
            return Rejected(554, "5.6.0 Made up: refused its content", HOST, "TLSv1.3")
        if fate == "expired" or (fate == "slow" and claim.letter.attempts == 1):
            return Deferred(451, "4.7.1 Made up: try again later", HOST, "TLSv1.3")
        return Taken(250, f"2.0.0 Made up: taken as {claim.letter.id:06x}", HOST, "TLSv1.3")

    async def hear(self, letter_ids: Sequence[int]) -> None:
        """What the offices' own servers say afterwards of the letters that our relay took."""
        for fate, to, note in HEARD_LATER:
            theirs = [one for one in letter_ids if self.fates[one] == fate]
            await self.move(theirs, LetterStatus.HANDED_OVER, to, "returned mail", note)
