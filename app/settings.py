"""Every setting, typed. Read from the environment or `.env`, prefix `ONE_EMAIL_`."""

import os
import secrets
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.errors import SettingsRefused


class Delivery(StrEnum):
    """Where letters go; a letter keeps the delivery under which it was confirmed."""

    SANDBOX = "sandbox"  # to a mailbox on this machine; nothing leaves
    REFLECT = "reflect"  # to the supporter instead of the office
    LIVE = "live"  # to the offices
    # of single letters, never of an installation:
    REHEARSAL = "rehearsal"  # to the mailbox on this machine, wherever others go
    TRIAL = "trial"  # to whoever tries it out instead of the office, the way that others go


# nothing of these says anything of an office
TO_THE_WRITER = (Delivery.REFLECT, Delivery.TRIAL)
TRIED_OUT = (Delivery.REHEARSAL, Delivery.TRIAL)
# these land in the mailbox on this machine, so nobody says that they have left; whoever confirms
# here can open it, which proves no address
STAYS_HERE = (Delivery.SANDBOX, Delivery.REHEARSAL)


class Switch(StrEnum):
    AUTO = "auto"
    ON = "on"
    OFF = "off"


class Route(StrEnum):
    """Which server a message is handed to."""

    RELAY = "relay"  # one of our own, which passes it on
    MX = "mx"  # the one that the office's domain names


class Settings(BaseSettings):
    """The README lists each of these with its meaning; a test compares the two."""

    model_config = SettingsConfigDict(env_prefix="ONE_EMAIL_", env_file=".env", extra="ignore")

    data_dir: Path = Field(Path("var"), description="where the database and the secret key live")
    database_url: str = Field("", description="empty: SQLite in the data folder")
    public_url: str = Field("http://127.0.0.1:8000", description="the address people see")
    secret_key: str = Field(
        "", description="signs links; empty: made once, kept in the data folder"
    )
    organisation_name: str = Field("Mine Ban Campaign", description="whose service this is")
    accent_colour: str = Field("#0b5563", description="the one colour of the pages, 7:1 on white")
    logo: str = Field("", description="an SVG or PNG file, shown above the pages; at most 200 KB")

    delivery: Delivery = Field(Delivery.SANDBOX, description="sandbox, reflect or live")
    pacing: Switch = Field(Switch.AUTO, description="auto: on wherever mail leaves the machine")
    per_mailbox_hour: int = Field(20, ge=1, description="letters an hour to a mailbox, at peak")
    per_mailbox_day: int = Field(150, ge=1, description="letters a day to one mailbox")
    per_mailbox_total: int = Field(0, ge=0, description="letters in all to a mailbox; 0: no cap")
    per_host_hour: int = Field(60, ge=1, description="letters an hour to all behind one MX")
    per_relay_second: float = Field(10, gt=0, description="messages a second through one relay")
    per_relay_connections: int = Field(20, ge=1, description="connections at once to one relay")
    off_days: bool = Field(False, description="letters leave on weekends and holidays too")
    route: Route = Field(Route.RELAY, description="relay: through ours; mx: to the office's server")
    smtp_url: str = Field("", description="our relays: smtp://user:pass@host:587 or smtps://…")
    nameserver: str = Field("", description="asked for MX records; empty: the system's")
    returns_lmtp: str = Field("", description="host:port where mail that comes back is taken in")
    returns_imap: str = Field("", description="or the mailbox it lies in: imaps://user:pass@host/")
    mail_domain: str = Field("letters.example", description="the domain our letters come from")

    connections: int = Field(10, ge=1, le=100, description="SMTP connections of one worker")
    lease_seconds: int = Field(300, ge=30, description="how long a lost worker holds its letters")
    smtp_timeout: float = Field(300, gt=0, description="seconds to wait for one SMTP reply")

    forms_per_hour: int = Field(300, ge=1, description="forms one visitor may post in an hour")
    sign_ins_per_hour: int = Field(20, ge=1, description="sign-ins one visitor may try in an hour")
    keep_days: int = Field(90, ge=1, description="days until a settled form's data is erased")
    trusted_proxies: str = Field("127.0.0.1", description="whose X-Forwarded-For we believe")

    @field_validator("public_url")
    @classmethod
    def _a_web_address(cls, url: str) -> str:
        """Every link in a mail begins with it."""
        try:
            parts = urlsplit(url.strip())
            found = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            found = False
        spaced = any(one.isspace() for one in url.strip())
        if not found or spaced or parts.scheme not in {"http", "https"} or "@" in parts.netloc:
            raise ValueError("write it with its scheme and host, such as https://example.org")
        if parts.query or parts.fragment:
            raise ValueError("nothing may follow its path: no “?” and no “#”")
        return f"{parts.scheme}:{url.strip().partition(':')[2]}"  # the scheme in lower case

    @field_validator("delivery")
    @classmethod
    def _of_an_installation(cls, delivery: Delivery) -> Delivery:
        if delivery in TRIED_OUT:
            raise ValueError("Input should be 'sandbox', 'reflect' or 'live'")
        return delivery

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'one-email.sqlite'}"

    @property
    def paced(self) -> bool:
        if self.pacing is Switch.AUTO:
            return self.delivery is not Delivery.SANDBOX
        return self.pacing is Switch.ON

    @property
    def public_is_loopback(self) -> bool:
        return urlsplit(self.public_url).hostname in {"127.0.0.1", "localhost", "::1"}

    @property
    def secret(self) -> bytes:
        return (self.secret_key or _kept_secret(self.data_dir / "secret.key")).encode()

    def check(self) -> None:
        """Refuse what would not be safe to run with. Raises SettingsRefused."""
        if self.delivery is not Delivery.SANDBOX and self.route is Route.RELAY:
            self._check_relay()
        schemes = {urlsplit(url).scheme for url in self.smtp_url.split()}
        if schemes - {"smtp", "smtps"}:
            raise SettingsRefused("ONE_EMAIL_SMTP_URL begins with smtp:// or smtps://")
        if not self.mail_domain.isascii():
            raise SettingsRefused("ONE_EMAIL_MAIL_DOMAIN is written in ASCII (xn--…)")
        if self.delivery is Delivery.LIVE and self.mail_domain.endswith(".example"):
            raise SettingsRefused("ONE_EMAIL_DELIVERY=live needs your own ONE_EMAIL_MAIL_DOMAIN")

    def _check_relay(self) -> None:
        if not self.smtp_url.strip():
            raise SettingsRefused(
                f"ONE_EMAIL_DELIVERY={self.delivery} needs a relay: set ONE_EMAIL_SMTP_URL"
            )


@lru_cache
def _kept_secret(path: Path) -> str:
    """A secret made once and readable by its owner only; two starting processes agree on one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".secret-{secrets.token_hex(6)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(48))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip()
