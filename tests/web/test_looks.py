"""Whatever colour an organisation chooses, its pages can be read."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.errors import SettingsRefused
from app.web.looks import theme

channel = st.integers(0, 255)
SITE = (Path(__file__).parents[2] / "app/web/static/site.css").read_text()


def colours(css: str, name: str) -> list[theme.Colour]:
    """A variable's value by day, then by night."""
    return [theme.parsed(value) for value in re.findall(rf"--{name}:\s?(#\w{{6}})", css)]


@given(channel, channel, channel)
@example(255, 255, 255)
@example(0, 0, 0)
@example(255, 204, 0)
def test_any_accent_is_readable_by_day_and_by_night(red: int, green: int, blue: int) -> None:
    css = theme.style_sheet(f"#{red:02x}{green:02x}{blue:02x}")
    for time in (0, 1):
        accent = colours(css, "accent")[time]
        wash = colours(css, "wash")[time]
        assert theme.contrast(accent, colours(css, "on-accent")[time]) >= theme.READABLE
        for ground in (wash, colours(SITE, "ground")[time]):
            assert theme.contrast(accent, ground) >= theme.READABLE
            for ink in ("ink", "quiet"):
                assert theme.contrast(colours(SITE, ink)[time], ground) >= theme.READABLE


@pytest.mark.parametrize("accent", ["teal", "#fff", "#12345g", "red;} body{display:none"])
def test_a_colour_that_is_none_is_refused(accent: str) -> None:
    with pytest.raises(SettingsRefused):
        theme.style_sheet(accent)


def test_on_paper_no_colour_of_the_night_is_left() -> None:
    at_night = SITE.split("prefers-color-scheme: dark")[1].split("\n}\n")[0]
    both = at_night + theme.style_sheet("#0a5563").split("dark")[1]
    on_paper = SITE.split("@media print")[1].split("\n")[1]
    named = set(re.findall(r"(--[a-z-]+):", both))
    assert len(named) > 10
    assert named <= set(re.findall(r"(--[a-z-]+):", on_paper))
