"""An organisation's logo is a small file that can only be looked at; and its colour is read."""

from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.doctor import here
from app.errors import SettingsRefused
from app.main import create_app
from app.settings import Settings
from app.web.looks import logo, theme

PLAIN = '<svg xmlns="http://www.w3.org/2000/svg"><path fill="url(#a)" d="M0 0"/></svg>'


def kept(folder: Path, content: str | bytes) -> str:
    path = folder / "logo"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.mark.parametrize(
    "content",
    [PLAIN, f'<?xml version="1.0"?>\n<!-- drawn\nby us -->\n{PLAIN}', logo.PNG + b"the rest"],
)
def test_a_plain_picture_is_taken(tmp_path: Path, content: str | bytes) -> None:
    [(name, read)] = logo.read(kept(tmp_path, content)).items()
    assert name == ("logo.png" if isinstance(content, bytes) else "logo.svg")
    assert read == (content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<html></html>", "neither an SVG nor a PNG"),
        (b"\xff\xd8\xff\xe0 a photograph", "neither an SVG nor a PNG"),
        (PLAIN.encode("utf-16"), "neither an SVG nor a PNG"),
        (logo.PNG + b"x" * logo.LARGEST, "larger than 200 KB"),
        (PLAIN.replace("<path", "<script>alert(1)</script><path"), "more than show a drawing"),
        (PLAIN.replace("<path", "<path onload = 'x()'"), "more than show a drawing"),
        (PLAIN.replace("<path", '<a href="javascript:x()"/><path'), "more than show a drawing"),
        (PLAIN.replace("<path", '<image href="https://x.example/"/>'), "more than show a drawing"),
        (PLAIN.replace("url(#a)", "url(https://x.example/a)"), "more than show a drawing"),
        (PLAIN.replace("<path", "<foreignObject/><path"), "more than show a drawing"),
        (f'<!DOCTYPE svg [<!ENTITY a "b">]>{PLAIN}', "neither an SVG nor a PNG"),
    ],
)
def test_any_other_file_is_refused_with_one_line(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    with pytest.raises(SettingsRefused, match=said) as refusal:
        logo.read(kept(tmp_path, content))
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there_is_refused_before_the_first_page(
    settings: Settings, tmp_path: Path
) -> None:
    missing = settings.model_copy(update={"logo": str(tmp_path / "none.svg")})
    with pytest.raises(SettingsRefused, match="none.svg cannot be read"):
        create_app(missing)
    assert "cannot be read" in here._looks(missing)[0].sentence


async def test_the_logo_stands_above_the_pages_with_the_name_for_who_cannot_see_it(
    settings: Settings, tmp_path: Path
) -> None:
    app = create_app(settings.model_copy(update={"logo": kept(tmp_path, PLAIN)}))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        page = (await client.get("/organise/sign-in")).text
        url = app.state.assets.url("logo.svg")
        assert f'<img class="logo" src="{url}" alt="{settings.organisation_name}">' in page
        answer = await client.get(url)
        assert answer.headers["content-type"] == "image/svg+xml"
        assert answer.text == PLAIN
    await app.state.database.close()


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_an_accent_is_moved_only_where_it_could_not_be_read(
    red: int, green: int, blue: int
) -> None:
    accent = (red, green, blue)
    moved = theme.moved("#{:02x}{:02x}{:02x}".format(*accent))
    readable = theme.contrast(accent, theme.WHITE) >= theme.READABLE
    assert (moved == "") is readable
    assert readable or theme.contrast(theme.parsed(moved), theme.DIM) >= theme.READABLE


def test_doctor_says_when_the_accent_was_moved(settings: Settings) -> None:
    assert here._looks(settings) == []
    [said] = here._looks(settings.model_copy(update={"accent_colour": "#ffcc00"}))
    assert "#ffcc00 is too light" in said.sentence
