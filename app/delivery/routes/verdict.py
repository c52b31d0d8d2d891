"""What a reply other than yes means for the message: a pure decision."""

import re
from typing import Literal

from app.delivery.outcome import ENHANCED, Deferred, Rejected, Unreached, Why, spoken
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

# What a relay of ours says when it has something against us, and nothing against the letter or
# its office: we sent too much, it does not know our address, somebody closed our account. As the
# large providers and the common servers word it; a refusal that is not among these is taken for
# the letter's own until there are ten in a row (`sparing`).
OF_THE_RELAY = re.compile(
    "|".join(
        (
            r"\b(daily|hourly|monthly|sending|sender|outgoing|outbound|submission)"
            r"( (?!size|receiv)[\w-]+){0,3} (limit|quota|rate|credits)\b[^.;:]{0,30}"
            r"\b(exceeded|reached)",
            r"\b(you|sender|tenant|domain( \S+)?) ha(s|ve) (exceeded|reached)"
            r"( (?!disk|storage|mailbox)\S+){0,5}"
            r" (limits?|quota|threshold|allowance|credits|per (hour|day))\b",
            r"\btoo many (messages|e?mails)\b(?! (in|for|to|like)\b)|\btoo much mail\b",
            r"(?<!recipient )\b(address|domain|sender|identity) (is )?not (yet )?verified",
            r"\bnot match a verified sender|failed the check in region",
            r"\b(sending|sender|smtp|service|subscription|submission)( [\w@.<>-]+){0,4}?"
            r" (suspended|paused|disabled|deactivated|locked)\b",
            r"\byour (\w+ )?(account|domain|service|subscription|plan)( \S+){0,4}?"
            r" (suspended|paused|disabled|deactivated|locked|blocked|inactive)\b",
            r"\bnot (allowed|permitted|authori[sz]ed|enabled) to"
            r" (relay|submit|send\b(?! (\w+ )?to\b))",
            r"\bpermissions? to send as\b|\bbad outbound sender\b",
            DOES_NOT_RELAY.pattern,
        )
    ),
    re.IGNORECASE,
)
# bad sender address, and congestion, by which Google means our daily limit: RFC 3463 3.2, 3.5
OF_OUR_SENDER = frozenset({"5.1.7", "5.1.8", "5.4.5"})
OF_ITS_RECIPIENT = re.compile(r"[45]\.[126]\.")  # address, mailbox, content: RFC 3463 3.2
PASSED_ON = re.compile(r"\bsaid:|\bremote (server|host)\b", re.IGNORECASE)


def refused(
    server: Server, tls: str, stage: Stage, reply: Reply
) -> Deferred | Rejected | Unreached:
    """A relay that turns us away, whatever the letter, lets nobody in: Unreached."""
    code, words = reply.code, spoken(reply.text)
    why = None if server.by_exchange else _turned_away(stage, reply)
    if why:
        return Unreached(code, words, server.host, tls, why=why)
    if code >= 500 and _about_the_message(stage, reply):
        return Rejected(code, words, server.host, tls, server.by_exchange)
    garbled = code == GARBLED
    known = None if garbled else code
    began = garbled and stage == "END"
    return Deferred(known, words, server.host, tls, server.by_exchange, began_data=began)


def _turned_away(stage: Stage, reply: Reply) -> Why | None:
    """What a relay of ours refuses us; None where it speaks of the letter, or passes on what an
    office's server told it."""
    code, words = reply.code, reply.text
    if stage == "MAIL" and code in ASKS_FOR_SIGN_IN:
        return "sign-in"
    if stage == "MAIL" and code >= 500 and code != TOO_LARGE:
        return "refused"
    if code < 400 or code in ASKS_FOR_SIGN_IN or PASSED_ON.search(words):
        return None
    status = ENHANCED.match(words)
    if status and status.group() in OF_OUR_SENDER:
        return "refused"
    if status and OF_ITS_RECIPIENT.match(words):
        return None
    return "refused" if OF_THE_RELAY.search(words) else None


def _about_the_message(stage: Stage, reply: Reply) -> bool:
    """False where a 5xx speaks of us, our sign-in or our sender, which a person can mend."""
    if reply.code in ASKS_FOR_SIGN_IN or DOES_NOT_RELAY.search(reply.text):
        return False
    return stage in {"RCPT", "DATA", "END"} or reply.code == TOO_LARGE
