"""The mx route: straight to the server that the recipient's domain names, which gives a true
"accepted" with the government's own reply.

    finder = Finder(settings.nameserver)            # one for the process: it keeps what DNS said
    sender = Direct(finder, hello=…, timeout=…)     # one for each of the worker's senders
    outcome = await sender.send(message, following=the_next_message_or_None)

It never returns Unreached: a host that cannot be reached defers the letter, after the others of
the domain were tried. Taken carries `by_exchange=True` and the exchange's name as its host.
"""

from collections.abc import Iterator
from dataclasses import replace
from time import monotonic

from app.delivery.messages.message import Message
from app.delivery.outcome import Deferred, Outcome, Rejected, Unreached, spoken
from app.delivery.routes.connection import END_OF_DATA, Connection
from app.delivery.routes.exchanges import SMTP_PORT, Exchanges, Finder, nowhere
from app.delivery.routes.relays import Server, Tls

MOST_SERVERS = 5  # tried for one letter
DOWN = 300.0  # seconds for which a server that was not reached is asked last


class Direct:
    """One connection at a time, kept while consecutive messages go to the same server.

    `timeout` is also the time for all servers of a domain together to let us in.
    """

    def __init__(
        self,
        finder: Finder,
        *,
        hello: str,
        timeout: float,
        data_timeout: float = END_OF_DATA,
        port: int = SMTP_PORT,
    ) -> None:
        self.finder, self.hello, self.port = finder, hello, port
        self.timeout, self.data_timeout = timeout, data_timeout
        self._connection: Connection | None = None
        self._down: dict[Server, float] = {}

    async def send(self, message: Message, following: Message | None = None) -> Outcome:
        """To the first server that lets us in. Raises MessageRefused."""
        domain = _domain(message)
        exchanges = await self.finder.find(domain)
        if exchanges.null or exchanges.missing:
            return Rejected(reply=spoken(nowhere(exchanges)))
        servers = await self.finder.servers(exchanges, port=self.port)
        if following and _domain(following) != domain:
            following = None
        return await self._first(servers, message, following) or _unknown(exchanges)

    async def close(self) -> None:
        if self._connection:
            await self._connection.close()
        self._connection = None

    async def _first(
        self, servers: tuple[Server, ...], message: Message, following: Message | None
    ) -> Outcome | None:
        """What the first server that was reached made of it; None where there is none at all."""
        until = monotonic() + self.timeout
        last: Unreached | None = None
        for server, share in self._in_turn(servers):
            left = until - monotonic()
            if last and left <= 0:
                break
            connection = await self._to(server, max(left, 0.0) * share)
            outcome = await connection.send(message, following)
            if not isinstance(outcome, Unreached):
                return outcome
            last = outcome
            left = until - monotonic()
            if outcome.why == "tls" and left > 0:
                # better read on its way than not sent: nobody promised to encrypt, RFC 7435
                await self.close()
                plain = await self._to(replace(server, tls=Tls.NONE), left * share)
                outcome = await plain.send(message, following)
                if not isinstance(outcome, Unreached):
                    return outcome
            self._down[server] = monotonic() + DOWN
        return last and Deferred(last.code, last.reply, last.host, last.tls, by_exchange=True)

    def _in_turn(self, servers: tuple[Server, ...]) -> Iterator[tuple[Server, float]]:
        """Each with its share of the time that is left; the one we are talking to comes first."""
        now = monotonic()
        self._down = {server: until for server, until in self._down.items() if until > now}
        open_to = self._connection.relay if self._connection else None
        ordered = sorted(servers, key=lambda one: (not _same(one, open_to), one in self._down))[
            :MOST_SERVERS
        ]
        for tried, server in enumerate(ordered):
            yield server, 1 / (len(ordered) - tried)

    async def _to(self, server: Server, seconds: float) -> Connection:
        """The connection to this server: the one we have, or a new one that may take so long."""
        if self._connection and _same(server, self._connection.relay):
            return self._connection
        await self.close()
        self._connection = Connection(
            server,
            hello=self.hello,
            timeout=self.timeout,
            data_timeout=self.data_timeout,
            opening=seconds,
        )
        return self._connection


def _domain(message: Message) -> str:
    return message.rcpt_to.rpartition("@")[2].lower()


def _same(one: Server, other: Server | None) -> bool:
    return other is not None and (one.address, one.port) == (other.address, other.port)


def _unknown(exchanges: Exchanges) -> Deferred:
    return Deferred(reply=spoken(nowhere(exchanges)))
