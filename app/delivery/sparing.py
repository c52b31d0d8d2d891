"""Which letters come back unharmed, because what refused them is our own relay's affair.

A relay says so in its words (`Unreached`), or it refuses ten letters in a row, to more places than
one: whatever it says, no letter deserves that. The attempts on record know how many there were, so
that all workers count together and a letter that is taken costs nothing. From the tenth on they
wait, the relay rests, and what the first nine made us believe of their addresses is taken back.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.delivery.outcome import Finished, Rejected, Taken, Unreached
from app.delivery.retry import MAILBOX_FULL
from app.delivery.routes.relays import relays_of
from app.outbox import refusals
from app.outbox.claims import Claim
from app.outbox.pacing import relays
from app.outbox.pacing.hosts import domain_of
from app.settings import Delivery, Route, Settings

IN_A_ROW = 10


class Spared(NamedTuple):
    """What ended through no fault of its own, and the relays that refused too many in a row."""

    finished: list[Finished]
    hosts: frozenset[str]


async def spared(
    session: AsyncSession,
    unwell: Sequence[Finished],
    finished: Sequence[Finished],
    *,
    by: str,
    settings: Settings,
) -> Spared:
    """Choose among these, and let the relays concerned rest. `unwell`: those that nobody took."""
    found, hosts = [one for one in unwell if isinstance(one.outcome, Unreached)], set()
    refusing = {one.outcome.host for one in unwell if _by_a_relay(one)}
    names = _relays(settings) if refusing else {}
    for host in sorted(refusing & names.keys()):
        run = _Run(await relays.lately(session, host, IN_A_ROW, besides=MAILBOX_FULL))
        too_many = [one for one in finished if one.outcome.host == host and run.tripped_by(one)]
        if too_many:
            found += too_many
            hosts.add(host)
            why = f"refused {IN_A_ROW} letters in a row: {too_many[-1].outcome.reply}"
            for name in names[host]:
                await relays.not_let_in(session, name, why)
            await refusals.taken_back(session, run.addresses, since=run.since, by=by)
    return Spared(found, frozenset(hosts))


def _relays(settings: Settings) -> dict[str, list[str]]:
    """Our relays' names by their hosts, of which alone an attempt tells; none where letters do not
    leave through them."""
    names: dict[str, list[str]] = defaultdict(list)
    if settings.delivery is not Delivery.SANDBOX and settings.route is not Route.MX:
        for relay in sorted(relays_of(settings), key=lambda one: one.name):
            names[relay.host].append(relay.name)
    return names


def _by_a_relay(one: Finished) -> bool:
    """Whether it is a refusal that may be the relay's own; that a mailbox is full never is."""
    outcome = one.outcome
    own = isinstance(outcome, Rejected) and not outcome.by_exchange
    return own and outcome.enhanced != MAILBOX_FULL


class _Run:
    """The letters that a relay refused one after the other: the newest of them, oldest first."""

    def __init__(self, refused: Sequence[relays.Refused]) -> None:
        self._refused = [(one.address, one.at) for one in refused]
        # those before one too many; a letter that is taken after it makes them no better
        self._unjust: set[tuple[str, datetime]] = set()

    @property
    def addresses(self) -> set[str]:
        return {address for address, _ in self._unjust}

    @property
    def since(self) -> datetime:
        return min(at for _, at in self._unjust)

    def tripped_by(self, one: Finished) -> bool:
        """Go on with how this ended; whether it is one refusal too many.

        Only letters count: whoever invents addresses could fill a form until notices trip it.
        """
        is_letter = isinstance(one.work, Claim)
        if is_letter and isinstance(one.outcome, Taken):
            self._refused.clear()
        if not _by_a_relay(one):
            return False
        row = [*self._refused, (one.address, one.started_at)]
        if len(row) >= IN_A_ROW and len({domain_of(address) for address, _ in row}) > 1:
            self._unjust.update(self._refused)
            return True
        if is_letter:
            self._refused = row
        return False
