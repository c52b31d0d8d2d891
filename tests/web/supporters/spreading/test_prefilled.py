"""A link fills in the form: what it may, as plain text, and for nobody else to see."""

import re
import time

import httpx
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from app.db import Database
from app.letters.form import LIMITS
from app.models import Alert, AlertCountry, Submission
from app.web.organisers.spreading import lines
from app.web.supporters.spreading import prefilled
from tests.grounds.alerts import mine_ban
from tests.grounds.rows import all_of

PAGE = "/alerts/send-one-email"
ALERT = Alert(countries=[AlertCountry(country="EE"), AlertCountry(country="LV")])


@given(st.dictionaries(st.sampled_from([*prefilled.FIELDS, "seed", "consent"]), st.text()))
def test_whatever_a_link_says_becomes_a_form_within_its_limits(query: dict[str, str]) -> None:
    form = prefilled.form(QueryParams(query), ALERT)
    assert len(form.name) <= LIMITS["name"]
    assert "\n" not in form.name + form.email + form.city
    assert not form.consent
    assert form.seed is None
    assert form.countries is None or set(form.countries) <= {"EE", "LV"}


@pytest.mark.parametrize(
    "tag", ["*|FNAME|*", "{{ first_name }}", "%%EMAIL%%", "[[name]]", "[NAME]"]
)
def test_a_tag_that_no_newsletter_filled_leaves_the_field_empty(tag: str) -> None:
    form = prefilled.form(QueryParams({"name": tag, "city": "Tartu", "country": "ee"}), ALERT)
    assert (form.name, form.city, form.country) == ("", "Tartu", "EE")


@pytest.mark.parametrize("opened", ["{{", "[["])
def test_tags_that_nothing_closes_hold_up_nobody(opened: str) -> None:
    began = time.process_time()
    prefilled.form(QueryParams({"own_words": opened * 5000}), ALERT)
    assert time.process_time() - began < 0.5  # it was well over a second


def test_what_is_too_long_or_unknown_is_left_out() -> None:
    query = {"name": "x" * 121, "country": "XQ", "countries": "DE,lv", "own_words": "one\r\ntwo"}
    form = prefilled.form(QueryParams(query), ALERT)
    assert (form.name, form.country, form.own_words) == ("", "", "one\ntwo")
    assert form.countries == ["LV"]


@given(st.text(min_size=1, max_size=60).filter(lambda text: not prefilled.UNFILLED.search(text)))
def test_the_link_that_the_desk_makes_is_read_as_it_was_meant(text: str) -> None:
    words = " ".join(text.encode("utf-8", "ignore").decode().split())
    made = lines.link("https://letters.example", "stop", {"partner": "a&b", "city": words})
    query = QueryParams(made.partition("?")[2])
    assert query["partner"] == "a&b"
    assert query.get("city", "") == words


def test_a_newsletters_own_tags_stay_as_it_knows_them() -> None:
    made = lines.link("https://letters.example", "stop", {"name": "*|FNAME|* *|LNAME|*"})
    assert made == "https://letters.example/alerts/stop?name=*|FNAME|*%20*|LNAME|*"


def test_the_line_for_a_partner_cannot_be_broken_out_of() -> None:
    made = lines.frame("https://letters.example", "stop", 'A "title"', {"partner": '"><script>'})
    assert 'title="A &#34;title&#34;"' in made
    assert 'embed?partner=%22%3E%3Cscript%3E"' in made
    assert made.count("<script") == 1


class TestThePage:
    @pytest_asyncio.fixture(autouse=True)
    async def alert(self, database: Database, furnished: None) -> Alert:
        return await mine_ban(database)

    async def test_is_filled_in_and_private(
        self, client: httpx.AsyncClient, database: Database
    ) -> None:
        query = {"name": '"><b>Mari', "email": "m@example.org", "countries": "EE,LV"}
        answer = await client.get(PAGE, params=query)
        assert "<b>Mari" not in answer.text
        assert 'value="&#34;&gt;&lt;b&gt;Mari"' in answer.text
        assert re.findall(r'name="countries" value="(\w\w)"[^>]*checked', answer.text) == [
            "EE",
            "LV",
        ]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "noindex" in answer.headers["x-robots-tag"]
        assert await all_of(database, Submission) == []

    async def test_is_public_without_it(self, client: httpx.AsyncClient) -> None:
        answer = await client.get(PAGE, params={"partner": "Peace Now", "nothing": "x"})
        assert answer.headers["cache-control"] != "no-store"
        assert "x-robots-tag" not in answer.headers
        assert 'name="partner" value="Peace Now"' in answer.text
