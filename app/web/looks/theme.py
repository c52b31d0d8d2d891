"""The one colour of the pages, from the settings, and what follows from it: never below 7:1."""

import re

from app.errors import SettingsRefused

WHITE = (255, 255, 255)
GROUND = (250, 249, 246)  # --ground of site.css, by day and by night
NIGHT = (22, 25, 29)
# the hardest to read on of what text stands on: the washes
DIM = (229, 232, 230)
DUSK = (44, 50, 55)
READABLE = 7.0  # WCAG 2.2, 1.4.6

Colour = tuple[int, int, int]


def style_sheet(accent: str) -> str:
    """The accent as CSS variables, by day and by night."""
    day, night = by_day(accent), by_night(accent)
    return (
        f":root{{--accent:{_hex(day)};--on-accent:{_hex(WHITE)};"
        f"--wash:{_hex(_mixed(day, GROUND, 0.94))}}}\n"
        "@media (prefers-color-scheme:dark){"
        f":root{{--accent:{_hex(night)};--on-accent:{_hex(NIGHT)};"
        f"--wash:{_hex(_mixed(night, NIGHT, 0.92))}}}}}\n"
    )


def by_day(accent: str) -> Colour:
    """The accent as it can be read on every ground of the day."""
    return _readable_on(DIM, parsed(accent))


def by_night(accent: str) -> Colour:
    return _readable_on(DUSK, parsed(accent))


def moved(accent: str) -> str:
    """The colour that stands for the accent by day, if it could not be read on white; else nothing.

    One that can is moved by a hair for the washes, which nobody sees; and by night all are.
    """
    colour = parsed(accent)
    return "" if contrast(colour, WHITE) >= READABLE else _hex(by_day(accent))


def icon(accent: str) -> str:
    """A letter in the accent colour, for the browser's tab: on a dark one its white edge shows."""
    colour = _hex(by_day(accent))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<rect x="2" y="6" width="28" height="20" rx="3" fill="{colour}" stroke="#fff"'
        ' stroke-width="2"/>'
        '<path d="m5 10 11 8 11-8" fill="none" stroke="#fff" stroke-width="2.5" '
        'stroke-linecap="round" stroke-linejoin="round"/></svg>'
    )


def parsed(accent: str) -> Colour:
    digits = re.fullmatch(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", accent.strip())
    if digits is None:
        raise SettingsRefused(f"ONE_EMAIL_ACCENT_COLOUR is written #rrggbb, not {accent!r}")
    red, green, blue = (int(digit, 16) for digit in digits.groups())
    return red, green, blue


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _readable_on(ground: Colour, colour: Colour) -> Colour:
    """The colour, moved away from its ground until text in it can be read."""
    end: Colour = (0, 0, 0) if _light(ground) > 0.5 else (255, 255, 255)
    for step in range(51):
        moved = _mixed(colour, end, step / 50)
        if contrast(moved, ground) >= READABLE:
            return moved
    return end


def _mixed(colour: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (
        round(one + (two - one) * share) for one, two in zip(colour, other, strict=True)
    )
    return red, green, blue


def contrast(one: Colour, two: Colour) -> float:
    darker, lighter = sorted((_light(one), _light(two)))
    return (lighter + 0.05) / (darker + 0.05)


def _light(colour: Colour) -> float:
    """Relative luminance, WCAG 2.2."""
    red, green, blue = (
        part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4
        for part in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
