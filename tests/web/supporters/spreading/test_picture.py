"""What a shared link says of its alert: in words, and in a picture drawn here."""

import asyncio
import re
from io import BytesIO

import httpx
import pytest
import pytest_asyncio
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFont
from sqlalchemy import update

from app.db import Database
from app.languages import LANGUAGES
from app.models import Alert, AlertState, SendCount, Target
from app.settings import Delivery, Settings
from app.web.looks import picture, theme
from app.web.looks.picture import Card
from app.web.supporters.spreading import sent
from tests.grounds.alerts import mine_ban

PICTURE = "/alerts/send-one-email/picture.png"
CARD = Card("Mine Ban Campaign", "Stop the withdrawals", "", "", "#0b5563")
LETTERS = "āčēģīķļņšūžąęėįųłńóśźżõäöüĀČĒŠŽĄĘĖĮŲŁŃÓŚŹŻÕÄÖÜ–“”„’…"


def opened(png: bytes) -> Image.Image:
    assert png.startswith(b"\x89PNG")
    return Image.open(BytesIO(png)).convert("RGB")


def ink(image: Image.Image, box: tuple[int, int, int, int]) -> int:
    """How many pixels of a part are dark."""
    return sum(n for n, shade in image.crop(box).convert("L").getcolors() or [] if shade < 90)


def test_the_picture_has_its_size_and_its_words() -> None:
    image = opened(picture.drawn(CARD))
    assert image.size == (1200, 630)
    assert ink(image, (76, 150, 1124, 300)) > 3000
    assert image.getpixel((600, 600)) == image.getpixel((1190, 10))


def test_the_number_is_drawn_and_another_number_is_another_picture() -> None:
    one, two = (
        Card(CARD.organisation, CARD.title, n, "letters sent", CARD.accent) for n in ("1", "1,234")
    )
    assert picture.drawn(one) != picture.drawn(two)
    assert one.digest != two.digest
    band = opened(picture.drawn(two)).getpixel((1190, 620))
    assert isinstance(band, tuple)
    assert theme.contrast(band, theme.WHITE) >= theme.READABLE


@pytest.mark.parametrize("font", ["DejaVuSerifCondensed-Bold.ttf", "DejaVuSansCondensed.ttf"])
def test_the_fonts_have_every_letter_of_the_six_languages(font: str) -> None:
    face = ImageFont.truetype(picture.FONTS / font, 60)
    unknown = bytes(face.getmask("\u0378"))
    assert [one for one in LETTERS if bytes(face.getmask(one)) == unknown] == []


@settings(max_examples=15, deadline=None)
@given(st.text(max_size=200), st.text(max_size=60))
@example("x" * 200, "y" * 100)
@example("", "")
def test_any_title_is_drawn_and_stays_small(title: str, organisation: str) -> None:
    words = (one.encode("utf-8", "ignore").decode() for one in (organisation, title))
    png = picture.drawn(Card(*words, "1 234 567", "harjutuskirja", "#ffcc00"))
    assert opened(png).size == (1200, 630)
    assert len(png) < 100_000


class TestOfAnAlert:
    @pytest_asyncio.fixture(autouse=True)
    async def alert(self, database: Database, furnished: None) -> Alert:
        return await mine_ban(database)

    async def test_is_served_kept_for_ten_minutes_and_known_again(
        self, client: httpx.AsyncClient
    ) -> None:
        answer = await client.get(PICTURE, params={"lang": "et"})
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["cache-control"] == "public, max-age=600"
        assert opened(answer.content).size == (1200, 630)
        tag = {"If-None-Match": answer.headers["etag"]}
        same = await client.get(PICTURE, params={"lang": "et"}, headers=tag)
        assert (same.status_code, same.content) == (304, b"")
        assert (await client.get(PICTURE, params={"lang": "pl"}, headers=tag)).status_code == 200

    @pytest.mark.parametrize("state", [AlertState.DRAFT, AlertState.REHEARSAL])
    async def test_is_not_there_before_it_is_public(
        self, client: httpx.AsyncClient, database: Database, state: AlertState
    ) -> None:
        async with database.transaction() as session:
            await session.execute(update(Alert).values(state=state))
        assert (await client.get(PICTURE)).status_code == 404

    async def test_says_practice_where_nothing_left_and_nothing_of_none(
        self, database: Database, settings: Settings, alert: Alert
    ) -> None:
        live = settings.model_copy(update={"delivery": Delivery.LIVE})
        async with database.transaction() as session:
            assert await sent.said(session, alert, settings, "en") is None
            target = (await session.scalars(Target.__table__.select())).first()
            for delivery, n in ((Delivery.SANDBOX, 1234), (Delivery.LIVE, 1)):
                session.add(
                    SendCount(
                        alert_id=alert.id,
                        target_id=target,
                        delivery=delivery,
                        status="accepted",
                        n=n,
                    )
                )
            await session.flush()
            practice = await sent.said(session, alert, settings, "en")
            assert practice == ("1,234", "practice letters sent")
            assert await sent.said(session, alert, live, "en") == ("1", "letter sent")

    async def test_stands_in_the_head_of_the_page_with_absolute_addresses(
        self, client: httpx.AsyncClient, settings: Settings
    ) -> None:
        head = (await client.get("/alerts/send-one-email?lang=et")).text.partition("</head>")[0]
        said = dict(re.findall(r'<meta property="og:([\w:]+)" content="([^"]+)">', head))
        here = f"{settings.public_url}/alerts/send-one-email"
        assert said["url"] == f"{here}?lang=et"
        assert said["image"] == f"{here}/picture.png?lang=et"
        assert said["locale"] == "et_EE"
        assert said["type"] == "article"
        assert said["site_name"] == settings.organisation_name
        assert said["title"]
        assert said["description"]
        alternates = dict(re.findall(r'rel="alternate" hreflang="([\w-]+)" href="([^"]+)"', head))
        assert alternates == {"x-default": here} | {
            code: f"{here}?lang={code}" for code in LANGUAGES
        }
        assert f'<link rel="canonical" href="{here}?lang=et">' in head
        plain = (await client.get("/alerts/send-one-email")).text
        assert f'<link rel="canonical" href="{here}">' in plain


async def test_many_who_ask_at_once_wait_for_one_drawing(
    client: httpx.AsyncClient, database: Database, furnished: None
) -> None:
    picture.drawn.cache_clear()
    asked = [client.get("/alerts/send-one-email/picture.png") for _ in range(8)]
    answers = await asyncio.gather(*asked)
    assert {one.status_code for one in answers} == {200}
    assert picture.drawn.cache_info().misses == 1
