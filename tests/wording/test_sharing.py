"""Passing an alert on: every text arrives whole in every link, and no link can be bent."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models import Alert
from app.wording import sharing
from app.wording.language import translated
from app.wording.language.translated import Spoken

PUBLIC = "https://letters.example.org/"
ADDRESS = "https://letters.example.org/alerts/keep-it"
WRITABLE = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def an_alert(**changes: Any) -> Alert:
    values: dict[str, Any] = {"slug": "keep-it", "title": "Keep it", "share": [], "texts": []}
    return Alert(**(values | changes), translations=[])


def told(text: str, channel: str = sharing.SHORT) -> sharing.Shared:
    return sharing.shared(
        Spoken(text, "en"), an_alert(), PUBLIC, key="1", channel=channel, title="Keep it & go"
    )


def query(href: str) -> dict[str, str]:
    return {key: one[0] for key, one in parse_qs(urlsplit(href).query, True).items()}


@given(WRITABLE)
def test_any_text_arrives_whole_at_every_place(text: str) -> None:
    text = text.replace(sharing.URL, "")
    for link in told(f"{text}|{{url}}").links:
        url = sharing.counted(ADDRESS, link.key)
        if link.key in {"bluesky", "x", "whatsapp"}:
            assert query(link.href) == {"text": f"{text}|{url}"}
        elif link.key == "telegram":
            assert query(link.href)["url"] == url
        elif link.key == "facebook":
            assert query(link.href) == {"u": url}
        elif link.key == "mail":
            assert link.href.startswith("mailto:?subject=Keep%20it%20%26%20go&body=")
            assert query(link.href)["body"] == f"{text}|{url}"
    whole = sharing.mastodon(sharing.post(text, an_alert(), PUBLIC), "social.example")
    assert query(whole)["text"] == f"{text} {sharing.counted(ADDRESS, 'mastodon')}"


def test_each_place_is_counted_as_itself_and_tells_nothing_of_who_shared() -> None:
    links = told("Write too: {url}").links
    assert [link.key for link in links] == [
        *("mastodon", "bluesky", "x", "facebook", "whatsapp", "telegram", "mail"),
    ]
    for link in links[1:]:
        assert f"utm_source%3D{link.key}%26utm_medium%3Dshare" in link.href
        assert link.href.count("utm_source") == 1


def test_a_long_text_goes_only_where_it_is_not_cut() -> None:
    keys = [link.key for link in told("Dear friends,\n\n{url}", sharing.LONG).links]
    assert keys == ["whatsapp", "telegram", "mail"]


def test_a_text_that_names_no_address_gets_it_and_an_ended_alert_is_named_only() -> None:
    assert told("Come.").shown == f"Come. {sharing.counted(ADDRESS, 'copy')}"
    alert = an_alert(share=[{"channel": "short", "text": "Write now: {url}"}])
    words = translated.words(alert, "en")
    (open_,) = sharing.texts(words, PUBLIC)
    (ended,) = sharing.texts(words, PUBLIC, ended=True)
    assert open_.shown.startswith("Write now: ")
    assert ended.shown == f"Keep it: {sharing.counted(ADDRESS, 'copy')}"


def test_the_text_to_share_is_in_the_readers_language() -> None:
    alert = an_alert(share=[{"channel": "short", "text": "Write: {url}"}])
    words = translated.AlertWords(
        alert, "fi", {"share": [{"channel": "short", "text": "Kirjoita: {url}"}]}
    )
    (one,) = sharing.texts(words, PUBLIC)
    assert one.shown.startswith("Kirjoita: ")
    assert one.shown.language == "fi"


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("mastodon.social", "mastodon.social"),
        (" https://Mastodon.Social/@mari ", "mastodon.social"),
        ("@mari@masto.example", "masto.example"),
        ("mari@masto.example", "masto.example"),
        ("õu.ee", "xn--u-yga.ee"),
        ("mastodon", ""),
        ("", ""),
        ("127.0.0.1", ""),
        ("masto.example:8080", ""),
        ("masto.example?x", ""),
        ("javascript:alert(1)", ""),
        ("evil.example\\.good.example", ""),
        ("a..example", ""),
        ("-a.example", ""),
    ],
)
def test_a_server_is_a_name_and_nothing_else(typed: str, host: str) -> None:
    assert sharing.server(typed) == host


@given(WRITABLE)
def test_whatever_is_typed_never_leads_elsewhere(typed: str) -> None:
    host = sharing.server(typed)
    if host:
        parts = urlsplit(sharing.mastodon("x", host))
        assert (parts.scheme, parts.netloc, parts.path) == ("https", host, "/share")
