"""A link of a newsletter's fills in what its reader has told the newsletter already."""

import re

from starlette.datastructures import QueryParams
from starlette.responses import Response

from app.languages import SOURCE, countries
from app.letters.form import LIMITS, Form
from app.letters.words.texts import clean
from app.models import Alert
from app.web import forms
from app.web.armour import PRIVATE

TEXTS = ("name", "email", "city", "country", "own_words")
FIELDS = (*TEXTS, "countries")
LONGEST = LIMITS | {"email": 254, "country": 2}  # RFC 5321 4.5.3.1.3 for the address
# What a newsletter's program puts a reader's own words in place of, where it had none to put. With
# an end: else ten thousand braces that nothing closes hold up everybody for seconds.
TAG = r".{0,200}?"
UNFILLED = re.compile(
    rf"\*\|{TAG}\|\*|\{{\{{{TAG}\}}\}}|\[\[{TAG}\]\]|%%{TAG}%%|%\[?[A-Z_:]+\]?%|\[[A-Z_]+\]"
)


def form(query: QueryParams, alert: Alert) -> Form:
    """The form that a link asks for: what cannot stand in a field is left out of it."""
    country = _text(query, "country").upper()
    return Form(
        name=_text(query, "name"),
        email=_text(query, "email"),
        city=_text(query, "city"),
        country=country if country in dict(countries(SOURCE)) else "",
        own_words=_text(query, "own_words"),
        countries=_countries(query, alert),
        source=forms.source_of(query),
    )


def is_asked(query: QueryParams) -> bool:
    return any(name in query for name in FIELDS)


def private(response: Response) -> Response:
    """The page of one person: kept by no cache, found by no search, passed on by no link."""
    response.headers.update(PRIVATE)
    return response


def _text(query: QueryParams, name: str) -> str:
    text = clean(query.get(name, ""), one_line=name != "own_words")
    return "" if len(text) > LONGEST[name] or UNFILLED.search(text) else text


def _countries(query: QueryParams, alert: Alert) -> list[str] | None:
    """Those of the alert that are named; None, which is the alert's own choice, where none is."""
    named = {one.strip().upper() for one in query.get("countries", "").split(",")}
    return [one.country for one in alert.countries if one.country in named] or None
