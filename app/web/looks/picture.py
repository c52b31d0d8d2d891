"""An alert as a picture, for where its link is shared: its name, its call, how many have written.

Drawn as PNG, 1200 × 630 pixels, which is what Open Graph readers show uncut.
"""

from dataclasses import astuple, dataclass
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from app.web.looks import theme

FONTS = Path(__file__).parent / "fonts"
SIZE = (1200, 630)
MARGIN = 76
TITLE_SIZES = (76, 68, 60, 52, 45)  # the largest in which the title fits
TITLE_LINES = 4
PAPER = (255, 255, 255)
INK = (28, 29, 31)
KEPT = 64  # pictures; a few languages of a few alerts, and the number they say now


@dataclass(frozen=True)
class Card:
    """What a picture says. `number` and `letters`: how many were sent; empty: nothing yet."""

    organisation: str
    title: str
    number: str
    letters: str
    accent: str

    @property
    def digest(self) -> str:
        return sha256(repr(astuple(self)).encode()).hexdigest()[:24]


@lru_cache(maxsize=KEPT)
def drawn(card: Card) -> bytes:
    """The PNG. It takes a tenth of a second and more: not on the thread that answers everybody."""
    accent = theme.by_day(card.accent)
    image = Image.new("RGB", SIZE, theme.GROUND)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 20, SIZE[1]), fill=accent)
    _letter(draw, (MARGIN, 62, MARGIN + 70, 62 + 48), accent)
    organisation = _shortened(card.organisation, _sans(34), SIZE[0] - 2 * MARGIN - 100)
    draw.text((MARGIN + 96, 86), organisation, INK, _sans(34), anchor="lm")
    lines, font = _fitted(card.title, SIZE[0] - 2 * MARGIN)
    for n, line in enumerate(lines):
        draw.text((MARGIN, 162 + n * font.size * 1.2), line, INK, font)
    if card.number:
        _count(draw, card, accent)
    packed = BytesIO()
    # few colours: a drawing of words is a third as long so, and looks the same
    image.quantize(64).save(packed, "PNG", optimize=True)
    return packed.getvalue()


@lru_cache(maxsize=4)
def icon(accent: str, size: int, kind: Literal["PNG", "ICO"]) -> bytes:
    """The letter of the browser's tab, `size` pixels square, for what cannot show a drawing.

    A PNG fills its square, as home screens want it; an ICO has 16 and 32 pixels in it too."""
    large = 4 * size  # drawn large and made smaller: its edges are smooth so
    whole = kind == "PNG"
    image = Image.new("RGBA", (large, large), (*PAPER, 255) if whole else (0, 0, 0, 0))
    draw, unit = ImageDraw.Draw(image), large / 32
    inset = 4 if whole else 0  # a home screen rounds the corners off
    scale = unit * (32 - 2 * inset) / 32

    def at(x: float, y: float) -> tuple[float, float]:
        return inset * unit + x * scale, inset * unit + y * scale

    draw.rounded_rectangle(
        (at(2, 6), at(30, 26)), 3 * scale, theme.by_day(accent), PAPER, round(scale)
    )
    draw.line([at(5, 10), at(16, 18), at(27, 10)], PAPER, round(2.5 * scale), joint="curve")
    packed = BytesIO()
    small = image.resize((size, size), Image.Resampling.LANCZOS)
    small.save(packed, kind, **({} if whole else {"sizes": [(16, 16), (32, 32), (size, size)]}))
    return packed.getvalue()


def _count(draw: ImageDraw.ImageDraw, card: Card, accent: theme.Colour) -> None:
    """The number on a band of the accent, the words beside it."""
    top = SIZE[1] - 116
    draw.rectangle((0, top, *SIZE), fill=accent)
    number = _serif(64)
    draw.text((MARGIN, top + 58), card.number, PAPER, number, anchor="lm")
    after = MARGIN + number.getlength(card.number) + 24
    words = _shortened(card.letters, _sans(40), SIZE[0] - MARGIN - after)
    draw.text((after, top + 60), words, PAPER, _sans(40), anchor="lm")


def _letter(
    draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], colour: theme.Colour
) -> None:
    left, top, right, _ = box
    draw.rounded_rectangle(box, radius=7, fill=colour)
    middle = ((left + right) / 2, top + 30)
    draw.line([(left + 9, top + 10), middle, (right - 9, top + 10)], PAPER, 5, joint="curve")


def _fitted(title: str, width: float) -> tuple[list[str], ImageFont.FreeTypeFont]:
    """The title in lines, as large as it fits; cut where even the smallest is too large."""
    for size in TITLE_SIZES:
        font = _serif(size)
        lines = _wrapped(title, font, width)
        high = len(lines) * size * 1.2
        if len(lines) <= TITLE_LINES and high <= 330 and _widest(lines, font) <= width:
            return lines, font
    kept = [*lines[: TITLE_LINES - 1], " ".join(lines[TITLE_LINES - 1 :])]
    return [_shortened(line, font, width) for line in kept if line], font


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    lines = [""]
    for word in _printable(text).split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _widest(lines: list[str], font: ImageFont.FreeTypeFont) -> float:
    return max(font.getlength(line) for line in lines)


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text)


def _shortened(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    text = _printable(text)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _serif(size: int) -> ImageFont.FreeTypeFont:
    return _font("DejaVuSerifCondensed-Bold.ttf", size)


def _sans(size: int) -> ImageFont.FreeTypeFont:
    return _font("DejaVuSansCondensed.ttf", size)


def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    # a new one each time: a face is not to be shared by threads that draw at once
    return ImageFont.truetype(FONTS / name, size, layout_engine=ImageFont.Layout.BASIC)
