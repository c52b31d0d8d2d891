"""Pages: the templates, in the reader's language, with dates and numbers as they write them."""

from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from types import CodeType
from typing import Any
from zoneinfo import ZoneInfo

import nh3
from babel import Locale, dates, numbers
from fastapi import Request
from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markdown_it import MarkdownIt
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from app import languages
from app.settings import Delivery, Settings
from app.web.looks import sharing, spoken
from app.web.looks.assets import Assets
from app.wording.language import translated

TEMPLATES = Path(__file__).parent.parent.parent / "templates" / "pages"
LANGUAGE_COOKIE = "language"
# whoever works here reads English, as the texts that they write and the sandbox's mail are
IN_ENGLISH = ("/organise", "/sandbox", "/docs")
A_YEAR = 365 * 24 * 3600

_markdown = MarkdownIt("js-default")


class Compiled(BytecodeCache):
    """Each template compiled once for all languages: that takes a third of a second a page."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, CodeType | None]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        source, code = self._kept.get(bucket.key, ("", None))
        if source == bucket.checksum:  # else the file was changed meanwhile
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.checksum, bucket.code


_compiled = Compiled()


class Pages:
    """The templates with this installation's name, colour and practice; one set per language."""

    def __init__(self, settings: Settings, assets: Assets) -> None:
        self.settings = settings
        self._assets = assets
        self._environments: dict[str, Environment] = {}

    def render(self, name: str, language: str, **context: Any) -> str:
        return self._environment(language).get_template(name).render(**context)

    def _environment(self, language: str) -> Environment:
        if language not in self._environments:
            self._environments[language] = self._made(language)
        return self._environments[language]

    def _made(self, language: str) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            bytecode_cache=_compiled,
            optimized=False,  # a filter worked out while compiling would keep its first language
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.policies["ext.i18n.trimmed"] = True
        catalogue = languages.translations(language)
        environment.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
        environment.filters |= _filters(language) | spoken.filters(language)
        environment.globals |= {
            "language": language,
            "reviewed": languages.is_reviewed(language),
            "organisation_name": self.settings.organisation_name,
            "public_url": self.settings.public_url.rstrip("/"),
            "open_graph_locale": sharing.open_graph_locale(language),
            "practice": "" if self.settings.delivery is Delivery.LIVE else self.settings.delivery,
            "sandbox_is_open": self.settings.public_is_loopback,
            "static_url": self._assets.url,
            "logo": self._assets.logo,
        }
        return environment


def render(request: Request, name: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page from `templates/pages/`, in the reader's language, for this request."""
    pages: Pages = request.app.state.pages
    language = reader_language(request)
    sign_in = getattr(request.state, "sign_in", None)
    context = {
        "path": request.url.path,
        "done": request.query_params.get("done", ""),
        "organiser": sign_in.organiser if sign_in else None,
        "form_token": sign_in.form_token if sign_in else "",
        "speaks": _speaks(request),
        "language_asked": request.query_params.get("lang") == language,
    } | context
    if "alert" in context and "words" not in context:
        context["words"] = translated.words(context["alert"], language)
    response = HTMLResponse(pages.render(name, language, **context), status)
    response.headers["Cache-Control"] = "no-store" if sign_in else "private, no-cache"
    response.headers["Content-Language"] = language
    if request.query_params.get("lang") == language:
        response.set_cookie(
            LANGUAGE_COOKIE, language, max_age=A_YEAR, httponly=True, samesite="lax"
        )
    return response


def reader_language(request: Request) -> str:
    """Chosen on this page (`?lang=`), chosen before, or the best the browser asks for."""
    if request.url.path.startswith(IN_ENGLISH):
        return languages.SOURCE
    chosen = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE, "")
    return languages.negotiate(request.headers.get("accept-language", ""), chosen)


def _speaks(request: Request) -> list[tuple[str, str, str]]:
    """Each language, what it calls itself, and this page's address in it; none where there is no
    choice."""
    if request.url.path.startswith(IN_ENGLISH):
        return []
    here = request.url.include_query_params
    return [
        (code, languages.language_name(code), f"{request.url.path}?{here(lang=code).query}")
        for code in languages.LANGUAGES
    ]


def day(value: date, language: str, zone: str = "UTC") -> str:
    """A day, as its language writes it; a moment's day in the given time zone."""
    local = value.astimezone(ZoneInfo(zone)).date() if isinstance(value, datetime) else value
    return dates.format_date(local, "long", languages.locale(language))


def _filters(language: str) -> dict[str, Any]:
    locale = languages.locale(language)

    def local_date(value: date | str, zone: str = "UTC") -> Markup:
        """A day, or one that was kept as text (2025-03-25)."""
        if isinstance(value, str):
            value = date.fromisoformat(value)
        return _time(value.isoformat(), day(value, language, zone))

    def short_date(value: date, with_year: bool = False) -> str:
        """A day where there is little room: a label of a drawing."""
        return dates.format_skeleton("yMMMd" if with_year else "MMMd", value, locale=locale)

    def month(value: date) -> str:
        """A month by itself where there is little room."""
        return dates.format_date(value, "LLL", locale=locale)

    def local_time(value: datetime, zone: str = "UTC") -> Markup:
        """A moment in the given time zone, which is named."""
        local = value.astimezone(ZoneInfo(zone))
        hour = dates.format_time(local.time(), "HH:mm", locale=locale)
        named = _zone_name(local, zone, locale)
        human = f"{day(local.date(), language)}, {hour} {named}"
        return _time(value.astimezone(UTC).isoformat(timespec="minutes"), human)

    def number(value: int) -> str:
        return numbers.format_decimal(value, locale=locale)

    def country(code: str, otherwise: str = "") -> str:
        return languages.country_name(code, language, otherwise)

    return {
        "local_date": local_date,
        "local_time": local_time,
        "short_date": short_date,
        "month": month,
        "number": number,
        "country": country,
        "markdown": markdown,
    }


def _zone_name(local: datetime, zone: str, locale: Locale) -> str:
    """A language without a short name for a zone would write an offset: its long name is words."""
    if zone == "UTC":
        return zone
    short = dates.get_timezone_name(local, "short", locale=locale)
    return short if short.isalpha() else dates.get_timezone_name(local, "long", locale=locale)


def _time(machine: str, human: str) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(machine, escape(human))


@lru_cache(maxsize=256)
def markdown(text: str) -> Markup:
    """An organiser's Markdown as HTML in which nothing can act."""
    return Markup(nh3.clean(_markdown.render(text)))  # noqa: S704 (nh3 has cleaned it)
