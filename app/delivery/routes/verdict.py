"""What a reply other than yes means for the message: a pure decision."""

import re
from typing import Literal

from app.delivery.outcome import Deferred, Rejected, Unreached, spoken
from app.delivery.routes.relays import Server
from app.delivery.routes.wire import GARBLED, Reply

Stage = Literal["RSET", "MAIL", "RCPT", "DATA", "END"]  # END: of the data

UNAVAILABLE = 421  # the server is closing this connection, RFC 5321 4.2.2
TOO_LARGE = 552  # a server may know it already at MAIL
# authentication required, too weak, refused, or only under TLS: RFC 4954 6
ASKS_FOR_SIGN_IN = frozenset({530, 534, 535, 538})
# a server that does not know us says so of every recipient, which none of them deserves
DOES_NOT_RELAY = re.compile(
    r"relay(ing)?( access)? (is )?(denied|prohibited|not (permitted|allowed))|unable to relay"
    r"|sender address rejected|client host rejected|not owned by",
    re.IGNORECASE,
)


def refused(
    server: Server, tls: str, stage: Stage, reply: Reply
) -> Deferred | Rejected | Unreached:
    """A relay that wants a sign-in before it hears of a recipient lets nobody in: Unreached."""
    code, words = reply.code, spoken(reply.text)
    if stage == "MAIL" and code in ASKS_FOR_SIGN_IN and not server.by_exchange:
        return Unreached(code, words, server.host, tls, why="sign-in")
    if code >= 500 and _about_the_message(stage, reply):
        return Rejected(code, words, server.host, tls, server.by_exchange)
    garbled = code == GARBLED
    known = None if garbled else code
    began = garbled and stage == "END"
    return Deferred(known, words, server.host, tls, server.by_exchange, began_data=began)


def _about_the_message(stage: Stage, reply: Reply) -> bool:
    """False where a 5xx speaks of us, our sign-in or our sender, which a person can mend."""
    if reply.code in ASKS_FOR_SIGN_IN or DOES_NOT_RELAY.search(reply.text):
        return False
    return stage in {"RCPT", "DATA", "END"} or reply.code == TOO_LARGE
