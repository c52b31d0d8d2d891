"""Delivery reports (RFC 3464, beyond ASCII RFC 6533): what became of a message, by a server."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from app.delivery.outcome import spoken
from app.delivery.returns.parsing import parts

STATUS_TYPES = frozenset({"closed/delivery-status", "closed/global-delivery-status"})
ACTIONS = frozenset({"failed", "delayed", "delivered", "relayed", "expanded"})  # RFC 3464 2.3.3
MAILBOX_FULL = "5.2.2"  # RFC 3463 3.3
BY_CLASS = {"5": "failed", "4": "delayed"}
# a code of RFC 3463 2 that is not a piece of an IP address or a version
CODE = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d]|\.\d)")
FIELD = re.compile(r"([!-9;-~]+)[ \t]*:(.*)")
PREFIX = re.compile(r"^[\w-]+[ \t]*;[ \t]*")  # the type before a value: dns; rfc822; smtp;
XTEXT = re.compile(r"\+([0-9A-F]{2})")
MOST_RECIPIENTS = 100

Fields = dict[str, str]


@dataclass(frozen=True)
class Recipient:
    """What became of a message at one address. `enhanced`: a code of RFC 3463, or empty."""

    action: str
    enhanced: str = ""
    diagnostic: str = ""
    remote_mta: str = ""
    final: str = ""
    original: str = ""

    @property
    def hard(self) -> bool | None:
        """True for 5.x.x, False for 4.x.x, None where nothing is known or nothing went wrong.

        A full mailbox is soft whatever its class: it will be emptied.
        """
        if self.enhanced == MAILBOX_FULL:
            return False
        return {"5": True, "4": False}.get(self.enhanced[:1])


@dataclass(frozen=True)
class Report:
    """One report: who says it, about which envelope, and what of each recipient."""

    reporting_mta: str
    envelope_id: str
    recipients: tuple[Recipient, ...]


def find(message: Message, *, by_machine: bool) -> Report | None:
    """The report that a message carries, if it carries one.

    `by_machine`: a mail server wrote it, so that a report is believed even where the message
    does not name it so, as when its boundary is missing.
    """
    leaves = list(parts.leaves(message))
    named = [leaf for leaf in leaves if leaf.get_content_type() in STATUS_TYPES]
    # a letter that comes back is no report, whatever its supporter wrote into it
    others = [leaf for leaf in leaves if leaf.get_content_type() not in parts.RETURNED_TYPES]
    for leaf in named or (others if by_machine else []):
        report = read("\n" + parts.text_of(leaf))
        if report:
            return report
    return None


def read(text: str) -> Report | None:
    """The report in a text of RFC 3464 2.1: fields in blocks, one block for each recipient."""
    whole: Fields = {}
    recipients: list[Recipient] = []
    for fields in _blocks(text):
        if "reporting-mta" in fields or "original-envelope-id" in fields:
            whole = fields | whole
        if "action" in fields or {"final-recipient", "status"} <= fields.keys():
            recipients.append(_recipient(fields))
        if len(recipients) == MOST_RECIPIENTS:
            break
    if not recipients:
        return None
    return Report(
        reporting_mta=_host(whole.get("reporting-mta", "")),
        envelope_id=_without_xtext(whole.get("original-envelope-id", "")),
        recipients=tuple(recipients),
    )


def _blocks(text: str) -> Iterator[Fields]:
    for block in re.split(r"\n[ \t]*\n", text):
        fields: Fields = {}
        last = ""
        for line in block.split("\n"):
            found = FIELD.fullmatch(line)
            if found:
                last = found[1].lower()
                fields.setdefault(last, found[2].strip())
            elif last and line[:1] in {" ", "\t"}:
                fields[last] += " " + line.strip()
        yield {name: parts.decoded(value[: parts.LONGEST_HEADER]) for name, value in fields.items()}


def _recipient(fields: Fields) -> Recipient:
    diagnostic = spoken(PREFIX.sub("", fields.get("diagnostic-code", "")))
    enhanced = code_in(fields.get("status", "")) or code_in(diagnostic)
    # the diagnostic is the remote server's own; 5.0.0 says no more than that it failed
    if enhanced.endswith(".0.0"):
        nearer = code_in(diagnostic)
        enhanced = nearer if nearer[:1] == enhanced[:1] else enhanced
    action = re.split(r"[\s(;]", fields.get("action", "").lower())[0]
    return Recipient(
        action=action if action in ACTIONS else BY_CLASS.get(enhanced[:1], ""),
        enhanced=enhanced,
        diagnostic=diagnostic,
        remote_mta=_host(fields.get("remote-mta", "")),
        final=_address(fields.get("final-recipient", "")),
        original=_address(fields.get("original-recipient", "")),
    )


def code_in(text: str) -> str:
    """The first enhanced status code in a text, or an empty one."""
    found = CODE.search(text)
    return found.group() if found else ""


def _host(value: str) -> str:
    """dns; MX1.Example.org. (192.0.2.1) → mx1.example.org"""
    name = PREFIX.sub("", value).split(" ")[0].rstrip(".")
    return spoken(name.lower())[:255]


def _address(value: str) -> str:
    return spoken(_without_xtext(PREFIX.sub("", value)).strip("<>"))[:320]


def _without_xtext(value: str) -> str:
    """xtext of RFC 3461 4 undone: what we gave as ENVID and ORCPT comes back so."""
    return XTEXT.sub(lambda found: chr(int(found[1], 16)), value)
