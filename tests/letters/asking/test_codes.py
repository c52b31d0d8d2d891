"""The six digits beside the link: whose they are, when they hold, and how often one may guess."""

import unicodedata
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from app import clock
from app.db import Database
from app.errors import FormRefused, TooMany
from app.letters.asking import codes
from app.letters.asking.codes import digits
from app.models import Alert, Notice, Submission
from app.outbox import notices
from app.settings import Settings
from app.tokens import confirm_code
from tests.grounds.alerts import confirmed, filled, submitted
from tests.grounds.databases import once
from tests.grounds.rows import all_of

ZEROS = [one for one in map(chr, range(0x110000)) if unicodedata.decimal(one, None) == 0]


@given(
    st.integers(0, 999_999),
    st.sampled_from(ZEROS),
    st.lists(st.sampled_from(["", " ", "-", "\u2013", "\u00a0", "\u200e", ".", "\t"]), min_size=6),
)
def test_a_code_is_read_however_it_was_typed(number: int, zero: str, between: list[str]) -> None:
    code = f"{number:06}"
    typed = "".join(
        chr(ord(zero) + int(one)) + gap for one, gap in zip(code, between, strict=False)
    )
    assert digits(f" {typed} ") == code


@given(st.text())
def test_what_is_no_code_is_read_as_digits_or_as_nothing(typed: str) -> None:
    found = digits(typed)
    assert found == "" or (found.isascii() and found.isdecimal())


def test_letters_and_half_digits_make_no_code() -> None:
    for typed in ("12345a", "code: 123456", "½23456", "¹23456", "+123456", ""):
        assert digits(typed) == ""
    assert digits("9" * 100_000) == "9" * codes.LONGEST


@once
def test_a_code_belongs_to_one_form_and_one_installation(settings: Settings) -> None:
    other = settings.model_copy(update={"secret_key": "another secret"})
    made = [confirm_code(settings, f"form-{n}") for n in range(500)]
    assert all(len(one) == 6 and one.isdecimal() for one in made)
    assert len(set(made)) > 490
    assert confirm_code(settings, "form-1") == made[1]
    assert confirm_code(other, "form-1") != made[1]


async def tried(
    database: Database, settings: Settings, submission: Submission | None, typed: str
) -> str:
    """`fits`, or the reason why not; a wrong one is counted, as the route does."""
    async with database.transaction() as session:
        if submission is not None:
            submission = await session.get_one(Submission, submission.id)
        try:
            await codes.check(session, settings, submission, typed)
        except FormRefused as refusal:
            return refusal.fields["code"]
        except TooMany:
            return "too many"
    return "fits"


@once
async def test_the_code_of_the_message_fits_and_no_other(
    database: Database, settings: Settings, alert: Alert
) -> None:
    mine = await submitted(database, settings, alert)
    theirs = await submitted(database, settings, alert, filled(email="juri@example.org"))
    code = confirm_code(settings, mine.public_id)
    assert await tried(database, settings, mine, f"{code[:3]}-{code[3:]}") == "fits"
    assert await tried(database, settings, theirs, code) == "wrong_code"
    assert await tried(database, settings, None, code) == "wrong_code"
    assert await tried(database, settings, mine, "") == "missing"
    assert await tried(database, settings, mine, code[:5]) == "not_a_code"


@once
async def test_a_used_a_late_and_an_untold_code_fit_no_more(
    database: Database, settings: Settings, alert: Alert
) -> None:
    late, used = [await submitted(database, settings, alert) for _ in range(2)]
    untold = await submitted(database, settings, alert, filled(email="juri@example.org"))
    await confirmed(database, settings, used.public_id)
    async with database.transaction() as session:
        about = Notice.submission_id == untold.id
        await session.execute(update(Notice).where(about).values(status="suppressed"))
    for one in (used, untold):
        code = confirm_code(settings, one.public_id)
        assert await tried(database, settings, one, code) == "wrong_code"
    with clock.held(late.expires_at):
        code = confirm_code(settings, late.public_id)
        assert await tried(database, settings, late, code) == "wrong_code"


async def test_a_form_whose_message_was_swallowed_has_no_code(
    database: Database, settings: Settings, alert: Alert
) -> None:
    """Three messages a day go to one address: the fourth form can only be guessed at."""
    forms = [await submitted(database, settings, alert) for _ in range(4)]
    assert len(await all_of(database, Notice)) == 3
    code = confirm_code(settings, forms[3].public_id)
    assert await tried(database, settings, forms[3], code) == "wrong_code"


async def test_five_tries_an_hour_for_a_form_and_ten_a_day_for_a_person(
    database: Database, settings: Settings, alert: Alert
) -> None:
    first, second, third = [await submitted(database, settings, alert) for _ in range(3)]
    other = await submitted(database, settings, alert, filled(email="juri@example.org"))
    right = {one.id: confirm_code(settings, one.public_id) for one in (first, second, third, other)}
    wrong = next(f"{n:06}" for n in range(5) if f"{n:06}" not in right.values())
    with clock.held(clock.now()) as held:
        for one in (first, second):
            said = [await tried(database, settings, one, wrong) for _ in range(5)]
            assert said == ["wrong_code"] * 5
            assert await tried(database, settings, one, right[one.id]) == "too many"
        assert await tried(database, settings, third, right[third.id]) == "too many"
        assert await tried(database, settings, other, right[other.id]) == "fits"
        held.advance(timedelta(days=1) / 10)
        assert await tried(database, settings, third, right[third.id]) == "fits"


async def test_what_is_no_code_costs_no_try(
    database: Database, settings: Settings, alert: Alert
) -> None:
    mine = await submitted(database, settings, alert)
    for _ in range(20):
        assert await tried(database, settings, mine, "12 34") == "not_a_code"
    assert await tried(database, settings, mine, confirm_code(settings, mine.public_id)) == "fits"


async def test_asked_again_the_message_goes_three_times_a_day_and_never_twice_at_once(
    database: Database, settings: Settings, alert: Alert
) -> None:
    mine = await submitted(database, settings, alert)
    put = []
    for _ in range(4):
        async with database.transaction() as session:
            for _ in range(2):
                put.append(await notices.ask_again(session, mine, mail_domain="x.example"))
            await session.execute(update(Notice).values(status="handed_over"))
    assert put == [False, False, True, False, True, False, False, False]
    assert len(await all_of(database, Notice)) == 3
