"""Straight to the offices' servers: which one is tried, and what its word is worth."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
import pytest_asyncio
import uvloop

from app.delivery.messages.message import Message
from app.delivery.outcome import Deferred, Rejected, Taken
from app.delivery.routes import exchanges
from app.delivery.routes.direct import Direct
from app.delivery.routes.exchanges import Finder
from tests.grounds import dns, smtp
from tests.grounds.dns import DnsServer
from tests.grounds.smtp import SmtpServer
from tests.grounds.smtp.certificate import Certificate

MESSAGE = Message("us@letters.example.org", "pm@gov.example", b"Subject: Stay\r\n\r\nPlease.\r\n")
FOLLOWING = replace(MESSAGE, rcpt_to="defence@gov.example")
ELSEWHERE = replace(MESSAGE, rcpt_to="pm@other.example")


@pytest.fixture
def names() -> Iterator[DnsServer]:
    with dns.running() as server:
        yield server


@pytest.fixture
def offices(names: DnsServer) -> Iterator[list[SmtpServer]]:
    """gov.example's two exchanges, first and second choice, on one port."""
    with ExitStack() as stack:
        first = stack.enter_context(smtp.running())
        second = stack.enter_context(smtp.running("127.0.0.2", first.port))
        names.mx("gov.example", (10, "mx1.gov.example"), (20, "mx2.gov.example"))
        names.a("mx1.gov.example", first.host)
        names.a("mx2.gov.example", second.host)
        yield [first, second]


def direct(names: DnsServer, offices: list[SmtpServer], timeout: float = 5) -> Direct:
    finder, port = Finder(names.address), offices[0].port
    return Direct(finder, hello="letters.example.org", timeout=timeout, data_timeout=5, port=port)


@pytest_asyncio.fixture
async def sender(names: DnsServer, offices: list[SmtpServer]) -> AsyncIterator[Direct]:
    opened = direct(names, offices)
    yield opened
    await opened.close()


async def test_the_first_exchange_takes_the_letter_and_its_word_is_the_governments(
    sender: Direct, offices: list[SmtpServer]
) -> None:
    outcome = await sender.send(MESSAGE)
    assert outcome == Taken(250, "2.0.0 OK queued as 1", "mx1.gov.example", "", True)
    assert outcome.by_exchange
    assert [len(office.received) for office in offices] == [1, 0]


async def test_consecutive_letters_to_one_server_go_over_one_connection(
    sender: Direct, offices: list[SmtpServer], names: DnsServer
) -> None:
    names.mx("other.example", (10, "mx1.gov.example"))
    assert isinstance(await sender.send(MESSAGE, FOLLOWING), Taken)
    async with asyncio.timeout(5):
        while offices[0].asked != ["pm@gov.example", "defence@gov.example"]:  # travelled along
            await asyncio.sleep(0.01)
    assert isinstance(await sender.send(FOLLOWING, ELSEWHERE), Taken)
    assert len(offices[0].asked) == 2  # another domain's did not
    assert isinstance(await sender.send(ELSEWHERE), Taken)
    assert offices[0].connections == 1


@pytest.mark.parametrize("greeting", ["421 4.3.2 not now", "554 5.3.2 no mail here", ""])
async def test_an_exchange_that_does_not_let_us_in_is_passed_over(
    sender: Direct, offices: list[SmtpServer], greeting: str
) -> None:
    if greeting:
        offices[0].greets(greeting)
    else:
        offices[0].closes_at_once()
    outcome = await sender.send(MESSAGE)
    assert isinstance(outcome, Taken)
    assert outcome.host == "mx2.gov.example"
    await sender.close()
    tried = offices[0].connections
    assert isinstance(await sender.send(FOLLOWING), Taken)
    assert offices[0].connections == tried  # and not asked again for a while


async def test_a_letter_waits_when_no_exchange_lets_us_in(
    sender: Direct, offices: list[SmtpServer]
) -> None:
    for office in offices:
        office.greets("421 4.3.2 not now")
    outcome = await sender.send(MESSAGE)
    assert outcome == Deferred(421, "4.3.2 not now", "mx2.gov.example", by_exchange=True)
    for office in offices:
        office.agrees()
    assert isinstance(await sender.send(MESSAGE), Taken)


async def test_a_silent_exchange_leaves_time_for_the_next(
    names: DnsServer, offices: list[SmtpServer]
) -> None:
    offices[0].tarpits(30)
    sender = direct(names, offices, timeout=0.8)
    outcome = await sender.send(MESSAGE)
    assert isinstance(outcome, Taken)
    assert outcome.host == "mx2.gov.example"
    await sender.close()


@pytest.mark.parametrize(
    ("reply", "ending"), [("550 5.1.1 no such user", Rejected), ("451 4.7.1 later", Deferred)]
)
async def test_what_an_exchange_says_of_a_recipient_is_asked_nowhere_else(
    sender: Direct, offices: list[SmtpServer], reply: str, ending: type
) -> None:
    offices[0].answers(reply, at="RCPT")
    outcome = await sender.send(MESSAGE)
    assert type(outcome) is ending
    assert (outcome.host, outcome.reply) == ("mx1.gov.example", reply[4:])
    assert outcome.by_exchange
    assert offices[1].connections == 0


async def test_encryption_is_taken_where_offered_without_asking_for_papers(
    sender: Direct, offices: list[SmtpServer], tmp_path_factory: pytest.TempPathFactory
) -> None:
    offices[0].tls = Certificate(tmp_path_factory.mktemp("office"), "DNS:elsewhere.example").served
    outcome = await sender.send(MESSAGE)
    assert isinstance(outcome, Taken)
    assert outcome.tls == "TLSv1.3"


@pytest.mark.parametrize("fault", ["refuses_starttls", "breaks_starttls"])
async def test_an_exchange_that_offers_encryption_and_fails_it_is_written_to_without(
    sender: Direct, offices: list[SmtpServer], fault: str
) -> None:
    getattr(offices[0], fault)()
    for message in (MESSAGE, FOLLOWING):
        outcome = await sender.send(message)
        assert isinstance(outcome, Taken)
        assert (outcome.host, outcome.tls) == ("mx1.gov.example", "")
    assert offices[0].connections == 2  # one to find out, one for both letters
    assert offices[1].connections == 0


async def test_a_domain_that_takes_no_mail_is_told_in_our_own_words(
    sender: Direct, names: DnsServer
) -> None:
    names.null_mx("null.example")
    for domain, enhanced in (("null.example", "5.1.10"), ("nowhere.example", "5.1.2")):
        outcome = await sender.send(replace(MESSAGE, rcpt_to=f"pm@{domain}"))
        assert isinstance(outcome, Rejected)
        assert (outcome.code, outcome.host, outcome.enhanced) == (None, "", enhanced)
        assert not outcome.by_exchange


async def test_a_name_that_cannot_be_looked_up_now_defers(
    sender: Direct, names: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    names.fails("failing.example")
    names.mx("homeless.example", (10, "nowhere.example"))
    names.mx("evil.example", (10, "inside.example"))
    names.a("inside.example", "10.0.0.1")
    for domain in ("failing.example", "homeless.example", "evil.example"):
        outcome = await sender.send(replace(MESSAGE, rcpt_to=f"pm@{domain}"))
        assert isinstance(outcome, Deferred)
        assert (outcome.code, outcome.enhanced) == (None, "4.4.3")
        assert not outcome.began_data


async def test_a_lost_answer_is_not_sent_to_the_next_exchange(
    sender: Direct, offices: list[SmtpServer]
) -> None:
    """It may have arrived: the second would make it two."""
    offices[0].drops_after_data(times=1)
    outcome = await sender.send(MESSAGE)
    assert isinstance(outcome, Deferred)
    assert outcome.began_data
    assert offices[1].connections == 0


async def test_a_port_of_its_own_is_only_for_tests() -> None:
    assert Direct(Finder("127.0.0.1:53"), hello="x", timeout=5).port == exchanges.SMTP_PORT == 25


async def test_it_works_in_the_loop_that_production_uses(
    names: DnsServer, offices: list[SmtpServer]
) -> None:
    async def two() -> list[object]:
        sender = direct(names, offices)
        endings = [await sender.send(MESSAGE, FOLLOWING), await sender.send(FOLLOWING)]
        await sender.close()
        return [type(one) for one in endings]

    assert await asyncio.to_thread(uvloop.run, two()) == [Taken, Taken]


async def test_a_greeting_that_turns_us_away_for_policy_says_so(
    sender: Direct, offices: list[SmtpServer]
) -> None:
    for office in offices:
        office.greets("554 5.7.1 Your address is on our list")
    outcome = await sender.send(MESSAGE)
    assert isinstance(outcome, Deferred)
    assert (outcome.code, outcome.enhanced, outcome.by_exchange) == (554, "5.7.1", True)
