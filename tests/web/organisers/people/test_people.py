"""The people of an organisation: roles, invitations by mail, one's own name, password, sign-ins."""

import re
from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import httpx
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from app import clock
from app.accounts import invitations, organisers
from app.db import Database
from app.delivery import attempt
from app.models import AuditLine, Notice, Organiser, Role, SignIn
from app.outbox import notices
from app.settings import Settings
from app.web.gate import COOKIE
from tests.grounds.desk import PASSWORD, sign_in, token_in
from tests.grounds.rows import all_of
from tests.web.organisers.people.conftest import Browser, MakePerson

PEOPLE = "/organise/people"
ME = f"{PEOPLE}/me"


async def act(
    client: httpx.AsyncClient, whom: Organiser, what: str, **fields: str
) -> httpx.Response:
    form = {"form_token": token_in((await client.get(PEOPLE)).text)} | fields
    return await client.post(f"{PEOPLE}/members/{whom.id}/{what}", data=form)


async def kept(database: Database, organiser: Organiser) -> Organiser:
    async with database.reading() as session:
        return await session.get_one(Organiser, organiser.id)


async def sentences(database: Database) -> list[str]:
    return [line.sentence for line in await all_of(database, AuditLine)]


async def test_an_owner_gives_another_role_and_it_is_on_record(
    anna_in: httpx.AsyncClient, person: MakePerson, database: Database
) -> None:
    kati = await person("kati@example.org")
    answer = await act(anna_in, kati, "role", role="viewer")
    assert answer.headers["location"] == f"{PEOPLE}?done=role"
    assert (await kept(database, kati)).role == Role.VIEWER
    assert await sentences(database) == ["Made kati@example.org viewer, who was organiser"]
    page = (await anna_in.get(f"{PEOPLE}/audit?by=anna@example.org&about=KATI")).text
    assert "Made kati@example.org viewer" in page
    assert (await act(anna_in, kati, "role", role="king")).status_code == 404


async def test_nobody_changes_their_own_role_and_only_owners_change_others(
    anna_in: httpx.AsyncClient,
    anna: Organiser,
    person: MakePerson,
    browser: Browser,
    database: Database,
) -> None:
    for what in ("role", "disable"):
        assert (await act(anna_in, anna, what, role="viewer")).status_code == 403
    kati, vic = await person("kati@example.org"), await person("vic@example.org", Role.VIEWER)
    for one in (kati, vic):
        theirs = await browser(one)
        page = (await theirs.get(PEOPLE)).text
        assert "anna@example.org" in page
        assert "Invite somebody" not in page
        assert "Set this role" not in page
        form = {"form_token": token_in(page), "role": "viewer", "email": "x@example.org"}
        for path in (f"members/{anna.id}/role", f"members/{anna.id}/disable", "invite"):
            assert (await theirs.post(f"{PEOPLE}/{path}", data=form)).status_code == 403
    assert (await kept(database, anna)).role == Role.OWNER
    assert await sentences(database) == []


async def test_who_is_disabled_is_out_at_once_and_can_be_let_in_again(
    anna_in: httpx.AsyncClient, person: MakePerson, browser: Browser, database: Database
) -> None:
    kati = await person("kati@example.org", Role.OWNER)
    theirs = await browser(kati)
    assert (await theirs.get(PEOPLE)).status_code == 200
    await act(anna_in, kati, "disable")
    assert (await theirs.get(PEOPLE)).status_code == 303
    assert [one.organiser_id for one in await signed(database)] != [kati.id]
    assert (await sign_in(theirs, kati)).status_code == 401
    await act(anna_in, kati, "enable")
    assert (await sign_in(theirs, kati)).status_code == 303
    assert await sentences(database) == [
        "Disabled kati@example.org",
        "Let kati@example.org sign in again",
    ]


async def signed(database: Database) -> list[SignIn]:
    async with database.reading() as session:
        return list(await session.scalars(select(SignIn)))


# ── invitations ─────────────────────────────────────────────────────────────────────────────


async def invite(client: httpx.AsyncClient, email: str, role: str = "organiser") -> httpx.Response:
    form = {"form_token": token_in((await client.get(PEOPLE)).text), "email": email, "role": role}
    return await client.post(f"{PEOPLE}/invite", data=form)


async def mailed(database: Database, settings: Settings) -> list[str]:
    """The messages of the notices that are due, as they would leave."""
    async with database.transaction() as session:
        claims = await notices.claim(
            session, worker="w", delivery="sandbox", limit=9, lease=timedelta(minutes=5)
        )
    parsed = [
        message_from_bytes(attempt.write(one, settings).raw, policy=default) for one in claims
    ]
    return [f"To: {one['To']}\n{one.get_content()}" for one in parsed]


def link_in(mail: str) -> str:
    found = re.search(r"/organise/invitations/\S+", mail)
    assert found
    return found[0]


async def test_an_invitation_goes_by_mail_and_whoever_opens_it_joins(
    anna_in: httpx.AsyncClient,
    client: httpx.AsyncClient,
    database: Database,
    settings: Settings,
) -> None:
    assert (await invite(anna_in, "Kati@Example.org ")).headers["location"].endswith("=invited")
    (mail,) = await mailed(database, settings)
    assert "To: kati@example.org" in mail
    assert "anna@example.org invites you" in " ".join(mail.split())
    link = link_in(mail)
    with capture_logs() as lines:
        page = await client.get(link)
    assert "/organise/invitations/…" in [one.get("path") for one in lines]
    assert 'value="kati@example.org"' in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    refused = await client.post(link, data={"name": "Kati K", "password": "short"})
    assert refused.status_code == 422
    assert 'value="Kati K"' in refused.text
    joined = await client.post(link, data={"name": " Kati  K ", "password": PASSWORD})
    assert joined.headers["location"] == "/organise?done=joined"
    assert "Kati K" in (await client.get(PEOPLE)).text
    for answer in (await client.get(link), await client.post(link, data={"password": PASSWORD})):
        assert answer.status_code == 410
        assert "This invitation is over" in answer.text
    assert await sentences(database) == [
        "Invited kati@example.org as organiser",
        "Kati K took the invitation of anna@example.org and joined as organiser",
    ]


async def test_an_invitation_is_too_old_after_seven_days_and_can_be_sent_again(
    anna_in: httpx.AsyncClient, client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    with clock.held(clock.now()) as held:
        await invite(anna_in, "kati@example.org", "viewer")
        (old,) = await mailed(database, settings)
        held.advance(timedelta(days=7, seconds=1))
        assert (await client.get(link_in(old))).status_code == 410
        _, kati = await all_of(database, Organiser)
        await act(anna_in, kati, "again")
        (new,) = await mailed(database, settings)
        assert "see everything, and change nothing" in " ".join(new.split())
        assert (await client.get(link_in(new))).status_code == 200


async def test_an_invitation_that_is_taken_back_opens_nothing_and_is_not_mailed(
    anna_in: httpx.AsyncClient, client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    await invite(anna_in, "kati@example.org")
    (mail,) = await mailed(database, settings)
    _, kati = await all_of(database, Organiser)
    assert (await sign_in(client, kati)).status_code == 401  # it has no password yet
    await act(anna_in, kati, "again")
    await act(anna_in, kati, "disable")
    assert (await client.get(link_in(mail))).status_code == 410
    assert await mailed(database, settings) == []
    assert [one.status for one in await all_of(database, Notice)] == ["sending", "cancelled"]
    assert "kati@example.org" not in (await anna_in.get(PEOPLE)).text
    assert (await invite(anna_in, "kati@example.org", "owner")).status_code == 303
    _, again = await all_of(database, Organiser)
    assert (again.id, again.role, again.disabled_at) == (kati.id, Role.OWNER, None)


@pytest.mark.parametrize(
    ("email", "said"),
    [
        ("nobody", "does not look like an email address"),
        ("anna@example.org", "signs in here already"),
        ("kati@example.org", "is invited already"),
    ],
)
async def test_an_invitation_that_cannot_be_sent_keeps_what_was_typed(
    anna_in: httpx.AsyncClient, person: MakePerson, email: str, said: str
) -> None:
    await person("kati@example.org", password_hash="")
    answer = await invite(anna_in, email, "viewer")
    assert answer.status_code == 422
    assert said in answer.text
    assert f'value="{email}"' in answer.text
    assert '<option value="viewer" selected>' in answer.text


async def test_an_owner_cannot_fill_the_world_with_invitations(
    anna_in: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations, "A_DAY_AT_MOST", 2)
    answers = [await invite(anna_in, f"k{n}@example.org") for n in range(3)]
    assert [one.status_code for one in answers] == [303, 303, 429]


@pytest.mark.parametrize("token", ["x", "1.9999999999.forged", "õ"])
async def test_a_link_that_nobody_signed_opens_nothing(
    client: httpx.AsyncClient, token: str
) -> None:
    assert (await client.get(f"/organise/invitations/{token}")).status_code == 404


# ── oneself ─────────────────────────────────────────────────────────────────────────────────


async def test_a_new_password_asks_for_the_old_one_and_ends_the_other_sign_ins(
    anna_in: httpx.AsyncClient, anna: Organiser, browser: Browser, database: Database
) -> None:
    phone = await browser(anna)
    token = token_in((await anna_in.get(ME)).text)
    form = {"form_token": token, "old_password": "wrong", "password": "a new one, long"}
    refused = await anna_in.post(f"{ME}/password", data=form)
    assert refused.status_code == 422
    assert "This is not your password" in refused.text
    short = form | {"old_password": PASSWORD, "password": "short"}
    assert "at least 10 characters" in (await anna_in.post(f"{ME}/password", data=short)).text
    assert (await phone.get(ME)).status_code == 200
    done = await anna_in.post(f"{ME}/password", data=form | {"old_password": PASSWORD})
    assert done.headers["location"] == f"{ME}?done=password"
    assert (await anna_in.get(ME)).status_code == 200
    assert (await phone.get(ME)).status_code == 303
    assert await organisers.fits("a new one, long", (await kept(database, anna)).password_hash)


async def test_a_person_ends_their_own_sign_ins_and_nobody_elses(
    anna_in: httpx.AsyncClient, anna: Organiser, person: MakePerson, browser: Browser
) -> None:
    phone, kati_in = await browser(anna), await browser(await person("kati@example.org"))
    page = (await kati_in.get(ME)).text
    assert "this browser" in page
    assert 'name="which"' not in page
    mine = re.findall(r'name="which" value="(\w+)"', (await anna_in.get(ME)).text)
    assert len(mine) == 1
    form = {"form_token": token_in(page), "which": mine[0]}
    await kati_in.post(f"{ME}/sign-ins/end", data=form)
    assert (await phone.get(ME)).status_code == 200
    form["form_token"] = token_in((await anna_in.get(ME)).text)
    await anna_in.post(f"{ME}/sign-ins/end", data=form)
    assert (await phone.get(ME)).status_code == 303
    assert COOKIE in anna_in.cookies
    assert (await anna_in.get(ME)).status_code == 200


async def test_a_name_is_changed_on_one_line_and_not_emptied(
    anna_in: httpx.AsyncClient, anna: Organiser, database: Database
) -> None:
    token = token_in((await anna_in.get(ME)).text)
    for name, status in (("  Änn\nTamm ", 303), (" ", 422)):
        form = {"form_token": token, "name": name}
        assert (await anna_in.post(ME, data=form)).status_code == status
    assert (await kept(database, anna)).name == "Änn Tamm"


async def test_the_record_is_paged_filtered_and_a_viewer_may_read_it(
    person: MakePerson, browser: Browser, database: Database
) -> None:
    async with database.transaction() as session:
        session.add_all(
            AuditLine(at=clock.now(), by=f"{n % 2}@example.org", sentence=f"Did {n}; 100%")
            for n in range(52)
        )
    vic_in = await browser(await person("vic@example.org", Role.VIEWER))
    page = (await vic_in.get(f"{PEOPLE}/audit")).text
    assert "Did 51;" in page
    assert "Did 1;" not in page
    older = re.search(r'href="([^"]+before=\d+)"', page)
    assert older
    assert "Did 1;" in (await vic_in.get(older[1].replace("&amp;", "&"))).text
    assert "Did 50;" not in (await vic_in.get(f"{PEOPLE}/audit?by=1@example.org")).text
    assert "Nothing on record fits" in (await vic_in.get(f"{PEOPLE}/audit?about=1_0")).text
