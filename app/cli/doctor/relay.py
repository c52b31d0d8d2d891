"""The relay: whether it greets, encrypts, lets us in and takes our sender; nothing is sent."""

import asyncio
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import NoReturn

from app import clock
from app.delivery.domain.findings import Finding, heard, look, not_well, well
from app.delivery.routes.relays import Relay, Tls

ONE_ANSWER = 10.0  # seconds
ALL_ANSWERS = 20.0
ENDS_SOON = 14  # days before its end in which a certificate is worth a word
A_DAY = 86_400
ROOM = 1_000_000  # octets that a long letter with its headers never needs
OFFERED = {
    "pipelining": "PIPELINING (a letter in one round trip)",
    "dsn": "DSN (reports that turn “handed over” into “accepted”)",
    "size": "SIZE (a letter too large is refused before it travels)",
    "auth": "AUTH (we can show who we are)",
}
MISSED = {
    "pipelining": "It does not offer PIPELINING: every letter takes four round trips.",
    "dsn": "It does not offer DSN: letters stay “handed over”, for no server reports more.",
}


class Stop(Exception):
    """What was found makes it pointless to ask this relay more."""


async def examine(relay: Relay, *, hello: str, sender: str, recipient: str) -> list[Finding]:
    """Talk to it as a worker would, up to RCPT, and take that back.

    `hello`: the name we greet with; `sender`: our envelope address.
    """
    return await asyncio.to_thread(Dialogue(relay, hello, sender, recipient).hold)


@dataclass
class Dialogue:
    """One connection to one relay, and what was found on the way."""

    relay: Relay
    hello: str
    sender: str
    recipient: str
    found: list[Finding] = field(default_factory=list)

    def hold(self) -> list[Finding]:
        """Every step, until one fails."""
        until = monotonic() + ALL_ANSWERS
        with suppress(Stop):
            client = self._greet()
            try:
                for step in (self._hello, self._encrypt, self._offers, self._sign_in, self._ask):
                    if client.sock:
                        client.sock.settimeout(max(1.0, min(ONE_ANSWER, until - monotonic())))
                    step(client)
            except (OSError, smtplib.SMTPException) as fault:
                self._stop(f"{self._name} breaks off: {_fault(fault)}.")
            finally:
                _say_goodbye(client)
        return self.found

    @property
    def _name(self) -> str:
        return f"The relay at {self.relay.host}, port {self.relay.port}"

    def _well(self, sentence: str) -> None:
        self.found.append(well(sentence))

    def _look(self, sentence: str) -> None:
        self.found.append(look(sentence))

    def _stop(self, sentence: str) -> NoReturn:
        self.found.append(not_well(sentence))
        raise Stop

    # ── the steps ──

    def _greet(self) -> smtplib.SMTP:
        """The open connection, once the relay has said 220."""
        place = self.relay.host, self.relay.port, self.hello
        try:
            client: smtplib.SMTP = (
                smtplib.SMTP_SSL(*place, timeout=ONE_ANSWER, context=self._context())
                if self.relay.implicit_tls
                else smtplib.SMTP(*place, timeout=ONE_ANSWER)
            )
        except ssl.SSLError as fault:
            self._stop(self._bad_tls(fault))
        except smtplib.SMTPResponseException as fault:
            self._stop(f"{self._name} does not take us: {_fault(fault)}.")
        except (OSError, smtplib.SMTPException) as fault:
            self._stop(
                f"{self._name} does not answer: {_fault(fault)}. Look at ONE_EMAIL_SMTP_URL, and at"
                " firewalls on the way."
            )
        self._well(f"{self._name} answers.")
        return client

    def _hello(self, client: smtplib.SMTP) -> None:
        code, words = client.ehlo()
        if code != 250:
            self._stop(
                f"{self._name} refuses to be greeted as {self.hello}: “{_said(code, words)}”. Look"
                " at ONE_EMAIL_MAIL_DOMAIN."
            )

    def _encrypt(self, client: smtplib.SMTP) -> None:
        if self.relay.implicit_tls:
            self._encrypted(client)
        elif self.relay.encryption is Tls.NONE:
            self._well("It is not asked to encrypt (tls=none), and need not on this machine.")
        elif client.has_extn("starttls"):
            try:
                client.starttls(context=self._context())
            except smtplib.SMTPResponseException as fault:
                self._stop(
                    f"{self._name} offers STARTTLS and fails it: {_fault(fault)}. Letters would"
                    " travel readable, so none leaves; have its TLS mended."
                )
            except ssl.SSLError as fault:
                self._stop(self._bad_tls(fault))
            self._hello(client)
            self._encrypted(client)
        elif self.relay.encryption is Tls.REQUIRE:
            self._stop(
                f"{self._name} does not offer STARTTLS: letters and password would travel readable,"
                " so none leaves. Use its port for TLS (smtps://…:465), or another relay."
            )
        elif self.relay.on_this_machine:
            self._well("It does not encrypt, and need not on this machine.")
        else:
            self._look("It does not encrypt: everybody on the way can read the letters.")

    def _encrypted(self, client: smtplib.SMTP) -> None:
        sock = client.sock
        if not isinstance(sock, ssl.SSLSocket):
            return
        version = sock.version() or "TLS"
        certificate = sock.getpeercert() or {}
        if "notAfter" not in certificate:  # not asked for: then it is not told either
            self._well(f"It encrypts with {version}; its certificate is not asked for.")
            return
        ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
        days = int((ends - clock.now().timestamp()) / A_DAY)
        sentence = (
            f"It encrypts with {version}, and its certificate stands for {self.relay.host}, for"
            f" {days} days more"
        )
        if days < ENDS_SOON:
            self._look(f"{sentence}: see that it is renewed, or no letter leaves after that.")
        else:
            self._well(f"{sentence}.")

    def _offers(self, client: smtplib.SMTP) -> None:
        offers = [words for name, words in OFFERED.items() if client.has_extn(name)]
        if offers:
            self._well(f"It offers {', '.join(offers)}.")
        for name, sentence in MISSED.items():
            if not client.has_extn(name):
                self._look(sentence)
        room = client.esmtp_features.get("size", "")
        if room.isdigit() and 0 < int(room) < ROOM:
            self._look(f"It takes messages of {room} octets at most: long letters will not pass.")

    def _sign_in(self, client: smtplib.SMTP) -> None:
        relay = self.relay
        if not relay.username:
            return
        if not client.has_extn("auth"):
            self._stop(
                f"It does not offer AUTH, and ONE_EMAIL_SMTP_URL names {relay.username}: take the"
                " name and password out, or use the relay's port for signing in (587)."
            )
        try:
            client.login(relay.username, relay.password)
        except smtplib.SMTPAuthenticationError as fault:
            self._stop(
                f"It does not let {relay.username} in: {_fault(fault)}. Correct name and password"
                " in ONE_EMAIL_SMTP_URL (in them @ is written %40, and / %2F)."
            )
        except UnicodeEncodeError:  # the standard library signs in with ASCII only; a worker can
            self._look("Its password is not ASCII, which only “doctor --send ME” can try.")
            raise Stop from None
        except smtplib.SMTPException:
            offered = heard(client.esmtp_features.get("auth", ""))
            self._stop(f"It offers no way to sign in that we know; its own are: {offered}.")
        self._well(f"It lets {relay.username} in.")

    def _ask(self, client: smtplib.SMTP) -> None:
        """MAIL and RCPT as for a letter, then RSET: what was begun is forgotten."""
        code, words = client.mail(self.sender)
        if code != 250:
            self._refused(code, words, f"our sender {self.sender}", "allow this domain there")
        code, words = client.rcpt(self.recipient)
        if code not in {250, 251}:
            self._refused(
                code,
                words,
                f"a letter from {self.sender} to {self.recipient}",
                "let it relay for us (sign in, or allow this machine's address)",
            )
        client.rset()
        self._well(
            f"It takes letters from {self.sender} (asked with a letter to {self.recipient}, and"
            " taken back before anything was sent)."
        )

    # ── what the steps ask ──

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.relay.encryption is not Tls.REQUIRE:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def _bad_tls(self, fault: ssl.SSLError) -> str:
        if isinstance(fault, ssl.SSLCertVerificationError):
            return (
                f"{self._name} shows a certificate that does not stand:"
                f" {heard(fault.verify_message)}. So no letter leaves; have it renewed,"
                " or name the relay in ONE_EMAIL_SMTP_URL as its certificate does."
            )
        return (
            f"{self._name} and we cannot agree on TLS: {heard(fault.reason or fault)}. smtps:// is"
            " for a port that begins with TLS (465), smtp:// for STARTTLS (587)."
        )

    def _refused(self, code: int, words: object, what: str, mend: str) -> NoReturn:
        if 400 <= code < 500:
            self._look(f"It does not take {what} now: “{_said(code, words)}”. Try again later.")
            raise Stop
        self._stop(f"It refuses {what}: “{_said(code, words)}”. At the relay, {mend}.")


def _say_goodbye(client: smtplib.SMTP) -> None:
    with suppress(OSError, smtplib.SMTPException):
        client.quit()
    client.close()


def _said(code: int, words: object) -> str:
    return f"{code} {heard(words)}"


def _fault(fault: Exception) -> str:
    if isinstance(fault, smtplib.SMTPResponseException):
        return f"“{_said(fault.smtp_code, fault.smtp_error)}”"
    return heard(fault) or type(fault).__name__
