"""Settings say what they are, refuse what is not safe, and keep one secret."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from app.errors import SettingsRefused
from app.settings import Delivery, Settings, _kept_secret


def some(tmp_path: Path, **given: Any) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path, **given)


@pytest.fixture(autouse=True)
def nothing_set_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ONE_EMAIL_{name.upper()}", raising=False)


def test_nothing_set_means_practice_on_sqlite(tmp_path: Path) -> None:
    settings = some(tmp_path)
    settings.check()
    assert settings.delivery is Delivery.SANDBOX
    assert settings.database == f"sqlite+aiosqlite:///{tmp_path}/one-email.sqlite"
    assert not settings.paced


def test_the_environment_is_read_with_its_prefix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONE_EMAIL_PER_MAILBOX_HOUR", "7")
    monkeypatch.setenv("PER_MAILBOX_HOUR", "8")
    assert some(tmp_path).per_mailbox_hour == 7


@pytest.mark.parametrize("delivery", [Delivery.LIVE, Delivery.REFLECT])
def test_mail_that_leaves_needs_a_relay(tmp_path: Path, delivery: Delivery) -> None:
    with pytest.raises(SettingsRefused, match="ONE_EMAIL_SMTP_URL"):
        some(tmp_path, delivery=delivery, mail_domain="letters.example.org").check()


@pytest.mark.parametrize(
    "given",
    [
        {"smtp_url": "http://127.0.0.1:25"},
        {"smtp_url": "127.0.0.1"},
        {"delivery": "live", "smtp_url": "smtp://127.0.0.1:25"},
    ],
)
def test_what_could_not_work_is_refused(tmp_path: Path, given: dict[str, str]) -> None:
    given = {"mail_domain": "letters.example", **given}
    if given["smtp_url"] == "127.0.0.1":
        given["delivery"] = "reflect"
    with pytest.raises(SettingsRefused):
        some(tmp_path, **given).check()


@pytest.mark.parametrize(
    "url",
    [
        *("foo", "example.org", "ftp://example.org", "https://", "http://:80", "https://a b.org"),
        *("https://example.org:99999", "https://a@example.org", "https://[::1", ""),
        *("https://example.org/?a=b", "https://example.org/#a"),
    ],
)
def test_the_address_that_people_see_is_one_of_the_web(tmp_path: Path, url: str) -> None:
    with pytest.raises(ValidationError, match="public_url"):
        some(tmp_path, public_url=url)


def test_an_address_of_the_web_is_taken_as_it_is(tmp_path: Path) -> None:
    for url in ("https://example.org", "http://127.0.0.1:8000/", "https://[::1]:8/one"):
        assert some(tmp_path, public_url=f" {url} ").public_url == url
    # cookies are for https alone where the address begins so
    assert some(tmp_path, public_url="HTTPS://example.org").public_url == "https://example.org"


def test_live_with_a_relay_and_a_domain_is_paced(tmp_path: Path) -> None:
    settings = some(
        tmp_path,
        delivery="live",
        smtp_url="smtp://127.0.0.1:25",
        mail_domain="letters.example.org",
    )
    settings.check()
    assert settings.paced


@pytest.mark.parametrize("pacing", ["on", "off"])
def test_pacing_follows_its_own_switch_first(tmp_path: Path, pacing: str) -> None:
    assert some(tmp_path, pacing=pacing).paced is (pacing == "on")


@pytest.mark.parametrize(
    "given", [{"delivery": "maybe"}, {"per_mailbox_hour": 0}, {"connections": 101}]
)
def test_a_value_that_is_none_is_refused_by_name(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(given))):
        some(tmp_path, **given)


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost", True),
        ("http://[::1]:8000", True),
        ("https://localhost.example.org", False),
        ("https://127.0.0.1.example.org", False),
    ],
)
def test_only_this_machine_is_loopback(tmp_path: Path, address: str, here: bool) -> None:
    assert some(tmp_path, public_url=address).public_is_loopback is here


def test_a_given_secret_is_used_and_nothing_is_written(tmp_path: Path) -> None:
    assert some(tmp_path, secret_key="given").secret == b"given"
    assert list(tmp_path.iterdir()) == []


def test_two_that_start_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret.key"
    with ThreadPoolExecutor(8) as pool:
        # past the memory of one process: each is a process that starts
        kept = set(pool.map(_kept_secret.__wrapped__, [path] * 8))
    assert len(kept) == 1
    assert len(kept.pop()) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret.key"]
