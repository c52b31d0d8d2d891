"""A session that ended in the middle: what was typed is carried through signing in again."""

import html
import re

import httpx
import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData

from app import clock
from app.db import Database
from app.models import AuditLine, Freeze, Organiser
from app.web.organisers.people import kept as carrying
from app.web.organisers.people.kept import Kept
from tests.grounds.desk import PASSWORD, enter, token_in
from tests.grounds.rows import all_of

FREEZE = "/organise/alerts/send-one-email/freeze"
TYPED = 'Õpetaja <b>"ütles"</b> & läks.\nSecond line\n\n  {{ 7 * 7 }} \\ end'
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page, as a browser would post them."""
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return {html.unescape(name): html.unescape(value) for name, value in found}


async def ended(client: httpx.AsyncClient, path: str = FREEZE, **typed: str) -> httpx.Response:
    """A form that arrives without a sign-in."""
    client.cookies.clear()
    return await client.post(path, data={"form_token": "of-before", **typed})


async def test_the_text_arrives_unchanged_after_signing_in_again(
    furnished: None, anna_in: httpx.AsyncClient, anna: Organiser, database: Database
) -> None:
    page = await ended(anna_in, why=TYPED)
    assert page.status_code == 401
    assert f"<dd>{TYPED}</dd>" in html.unescape(page.text)
    fields = hidden(page.text)
    assert set(fields) == {"kept"}
    wrong = {"email": anna.email, "password": "wrong"}
    again = await anna_in.post("/organise/sign-in", data=fields | wrong)
    assert again.status_code == 401
    assert hidden(again.text)["kept"] == fields["kept"]
    right = hidden(again.text) | wrong | {"password": PASSWORD}
    resumed = await anna_in.post("/organise/sign-in", data=right)
    assert "Signed in again. Your text is still here." in resumed.text
    assert resumed.headers["cache-control"] == "no-store"
    assert PASSWORD not in resumed.text
    assert await all_of(database, Freeze) == []  # nothing acts by itself
    assert f'action="{FREEZE}"' in resumed.text
    last = hidden(resumed.text)
    assert last["why"] == TYPED
    assert (await anna_in.post(FREEZE, data=last)).status_code == 303
    (line,) = await all_of(database, AuditLine)
    assert line.sentence.endswith(" ".join(TYPED.split()))


async def test_it_is_carried_over_the_second_step_too(
    furnished: None, anna_in: httpx.AsyncClient, anna: Organiser, database: Database
) -> None:
    secret = pyotp.random_base32()
    async with database.transaction() as session:
        kept = await session.get_one(Organiser, anna.id)
        kept.totp_secret, kept.totp_since = secret, clock.now()
    fields = hidden((await ended(anna_in, why=TYPED)).text)
    known = {"email": anna.email, "password": PASSWORD}
    step = hidden((await anna_in.post("/organise/sign-in", data=fields | known)).text)
    wrong = await anna_in.post("/organise/sign-in/code", data=step | {"code": "0"})
    step = hidden(wrong.text) | {"code": pyotp.TOTP(secret).at(clock.now())}
    resumed = await anna_in.post("/organise/sign-in/code", data=step)
    assert hidden(resumed.text)["why"] == TYPED


async def test_a_tab_of_an_earlier_sign_in_can_still_send_what_it_holds(
    furnished: None,
    anna_in: httpx.AsyncClient,
    anna: Organiser,
    database: Database,
) -> None:
    old = token_in((await anna_in.get("/organise/people/me")).text)
    await enter(anna_in, database, anna)
    answer = await anna_in.post(FREEZE, data={"form_token": old, "why": TYPED})
    assert answer.status_code == 403
    assert "signed in again since" in answer.text
    assert await all_of(database, Freeze) == []
    fields = hidden(answer.text.partition("<main")[2])
    assert fields["why"] == TYPED
    assert (await anna_in.post(FREEZE, data=fields)).status_code == 303


async def test_files_cannot_be_carried_and_that_is_said(anna_in: httpx.AsyncClient) -> None:
    anna_in.cookies.clear()
    answer = await anna_in.post(
        "/organise/people/invite",
        data={"email": "kati@example.org", "password": "never kept"},
        files={"list": ("contacts.csv", b"a,b\n")},
    )
    assert "choose them again afterwards: contacts.csv" in " ".join(answer.text.split())
    kept = carrying.unpacked(hidden(answer.text)["kept"])
    assert kept == Kept(
        to="/organise/people/invite",
        fields=[("email", "kati@example.org")],
        files=["contacts.csv"],
        multipart=True,
    )
    assert "never kept" not in answer.text


async def test_too_much_is_shown_and_not_carried(anna_in: httpx.AsyncClient) -> None:
    page = await ended(anna_in, "/organise/people/me", name="x" * (carrying.MOST + 1))
    assert page.status_code == 401
    assert "kept" not in hidden(page.text)
    assert 'href="/organise/sign-in"' in page.text


@pytest.mark.parametrize(
    "to",
    [
        "https://elsewhere.example/organise/",
        "//elsewhere.example",
        "/alerts/x",
        "/organise/sign-out",
        "/organise/../sandbox",
        "/organise/\\elsewhere",
        "/organiser",
    ],
)
async def test_it_leads_nowhere_but_to_the_desk(
    anna_in: httpx.AsyncClient, anna: Organiser, to: str
) -> None:
    carried = Kept(to=to, fields=[("why", "x")]).model_dump_json()
    anna_in.cookies.clear()
    form = {"email": anna.email, "password": PASSWORD, "kept": carried}
    answer = await anna_in.post("/organise/sign-in", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/organise")


@given(fields=st.lists(st.tuples(words.filter(bool), words), min_size=1))
def test_whatever_was_typed_comes_out_as_it_went_in(fields: list[tuple[str, str]]) -> None:
    packed = carrying.of(FormData(fields), "/organise/x").packed()
    secret = [pair for pair in fields if pair[0] in carrying.SECRET or "password" in pair[0]]
    kept = carrying.unpacked(packed)
    if kept is None:
        assert fields == secret
    else:
        assert kept.fields == [pair for pair in fields if pair not in secret]


@given(text=st.text())
def test_what_nobody_packed_is_nothing(text: str) -> None:
    assert carrying.unpacked(text) is None
