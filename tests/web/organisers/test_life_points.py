"""The points that are added at the door: our domain, and when the last letter leaves."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from app.campaigns.drafts.showing import Shown
from app.campaigns.life.checklist import State
from app.delivery.domain import standing
from app.models import Alert
from app.reporting.departures import Plan
from app.settings import Delivery, Route, Settings, Switch
from app.web.organisers.life import points
from tests.grounds import dns
from tests.grounds.dns import DnsServer

OURS = "letters.test"
END = datetime(2025, 6, 1, tzinfo=UTC)


@pytest.fixture
def names() -> Iterator[DnsServer]:
    with dns.running() as server:
        yield server


def live(names: DnsServer) -> Settings:
    return Settings(
        _env_file=None,
        mail_domain=OURS,
        nameserver=names.address,
        secret_key="for tests only",
        delivery=Delivery.LIVE,
        route=Route.RELAY,
        smtp_url="smtp://127.0.0.1:2525",
    )


async def test_a_domain_in_order_is_asked_about_once_in_some_minutes(names: DnsServer) -> None:
    names.mx(OURS, (10, f"mx.{OURS}"))
    names.a(f"mx.{OURS}", "127.0.0.1")
    names.txt(OURS, "v=spf1 ip4:127.0.0.1 -all")
    names.txt(f"_dmarc.{OURS}", f"v=DMARC1; p=none; rua=mailto:reports@{OURS}")
    found = await standing.for_a_page(live(names))
    assert points._dns(found).state is State.DONE
    asked = len(names.asked)
    assert await standing.for_a_page(live(names)) is found
    assert len(names.asked) == asked


async def test_a_record_that_is_missing_is_an_open_point_with_what_to_publish(
    names: DnsServer,
) -> None:
    found = points._dns(await standing.for_a_page(live(names)))
    assert found.state is State.OPEN
    assert any(f"Publish at {OURS} the TXT record" in one for one in found.items)


async def test_a_silent_name_server_leaves_the_point_open(names: DnsServer) -> None:
    names.is_silent(OURS, f"_dmarc.{OURS}")
    found = await standing.examine(live(names), patience=0.3)
    assert not found.told
    assert points._dns(found).state is State.OPEN


async def test_practice_and_a_domain_of_nobodys(names: DnsServer) -> None:
    assert points._dns(None).state is State.NOT_HERE
    nobodys = live(names).model_copy(update={"mail_domain": "letters.example"})
    assert points._dns(await standing.for_a_page(nobodys)).state is State.OPEN
    assert names.asked == []


def plan(last_at: datetime | None, *, late: bool = False) -> Plan:
    return Plan(1000, 5, 5000, 0, last_at, None, late, None)


@pytest.mark.parametrize(
    ("reckoned", "state", "said"),
    [
        (None, State.OPEN, "nobody_said"),
        (plan(None), State.OPEN, "never"),
        (plan(END, late=True), State.OPEN, "late"),
        (plan(END), State.DONE, "in_time"),
    ],
)
def test_the_pace_is_in_order_where_the_last_letter_leaves_in_time(
    reckoned: Plan | None, state: State, said: str
) -> None:
    shown = Shown(Alert(closes_at=END), [], [])
    paced = Settings(_env_file=None, pacing=Switch.ON)
    found = points._limits(shown, reckoned, paced)
    assert (found.state, found.items) == (state, (said,))
    unpaced = Settings(_env_file=None, pacing=Switch.OFF)
    assert points._limits(shown, reckoned, unpaced).state is State.NOT_HERE
