"""The texts of an alert one by one: what each is in English, and which of them are translated.

A text's place is its way in the tables of alert.toml: `countries.EE.record`, `prompts.2`.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.languages import SOURCE, country_name

Texts = dict[str, str]
URL = "{url}"
OF_AN_ALERT = ("title", "summary", "body")
OF_A_CAMPAIGN = ("title", "aim")
OF_A_STAGE = ("label", "meaning", "lead")
OF_A_COUNTRY = ("name", "record", "postal_address", "language_note", "reply_note")
OF_A_TEXT = ("title", "use", "text")
LISTS = ("prompts", "share", "resource_notes")  # shown whole in one language, or in English
NOT_TEXTS = {"reviewed", "note", "begun", "of"}


def english(tables: Mapping[str, Any]) -> Texts:
    """Every text that could be translated, in the order of the page. Empty where the alert says
    nothing yet. `tables`: of an alert.toml, its stages and steps among them."""
    campaign = tables["campaign"]
    keys = [stage["key"] for stage in campaign["stages"]]
    found = {name: str(tables[name]) for name in OF_AN_ALERT}
    found |= _numbered("prompts", tables["prompts"])
    found |= {f"campaign.{name}": str(campaign[name]) for name in OF_A_CAMPAIGN}
    for stage in campaign["stages"]:
        found |= _parts(f"campaign.stages.{stage['key']}", stage, OF_A_STAGE)
    for country in tables["countries"]:
        at = f"countries.{country['code']}"
        steps = {step["stage"]: step["what"] for step in country["stages"]}
        found |= _parts(at, country, OF_A_COUNTRY)
        found |= {f"{at}.stages.{key}": steps.get(key, "") for key in keys}
    for text in tables["texts"]:
        found |= _parts(f"texts.{text['key']}", text, OF_A_TEXT)
    found |= _numbered("share", [one["text"] for one in tables["share"]])
    found |= _numbered("resource_notes", [one["note"] for one in tables["resources"]])
    return found


def flat(content: Mapping[str, Any]) -> Texts:
    """The texts of a translation by their places; `content`: as its file has them."""
    found: Texts = {}
    for name, value in content.items():
        if name == "share":
            value = [one["text"] for one in value]
        if name not in NOT_TEXTS:
            found |= dict(_walked(name, value))
    begun: Texts = content.get("begun", {})
    return {place: text for place, text in found.items() if text} | begun


def nested(texts: Mapping[str, str], tables: Mapping[str, Any]) -> dict[str, Any]:
    """The other way: what the alert has no place for is left out, and what is translated of a
    list that is not whole stands under `begun`, for a page does not mix two languages in one."""
    known = english(tables)
    kept = {place: texts[place] for place in known if texts.get(place)}
    made: dict[str, Any] = {}
    begun: Texts = {}
    for name in LISTS:
        places = [place for place in known if place.startswith(f"{name}.")]
        ours = {place: kept.pop(place) for place in places if place in kept}
        if len(ours) < len(places):
            begun |= ours
        elif ours:
            made[name] = list(ours.values())
    if "share" in made:
        channels = [one["channel"] for one in tables["share"]]
        pairs = zip(channels, made["share"], strict=True)
        made["share"] = [{"channel": channel, "text": text} for channel, text in pairs]
    for place, text in kept.items():
        *way, last = place.split(".")
        at = made
        for step in way:
            at = at.setdefault(step, {})
        at[last] = text
    return made | ({"begun": begun} if begun else {})


def seal(text: str) -> str:
    """Stands for the English text that a translation was made from."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]


def missing(texts: Mapping[str, str], known: Mapping[str, str]) -> list[str]:
    """The places that are not translated. `known`: the English."""
    return [place for place in wanted(known) if not texts.get(place)]


def wanted(known: Mapping[str, str]) -> list[str]:
    """The places where there is something to translate; every language names the countries."""
    return [place for place, text in known.items() if text.strip() and not _is_known_name(place)]


def changed(
    texts: Mapping[str, str], made_from: Mapping[str, str], known: Mapping[str, str]
) -> list[str]:
    """The places whose English is another one than when they were translated."""
    return [
        place
        for place, text in known.items()
        if text.strip()
        and texts.get(place)
        and place in made_from
        and made_from[place] != seal(text)
    ]


def _is_known_name(place: str) -> bool:
    parts = place.split(".")
    return parts[0] == "countries" and parts[2] == "name" and bool(_named(parts[1]))


def _named(code: str) -> str:
    named = country_name(code, SOURCE, "")
    return "" if named == code else named


def _numbered(name: str, rows: Sequence[Any]) -> Texts:
    """As a reader counts, from one."""
    return {f"{name}.{n}": str(text) for n, text in enumerate(rows, 1)}


def _parts(at: str, row: Mapping[str, Any], names: Sequence[str]) -> Texts:
    return {f"{at}.{name}": str(row.get(name, "")) for name in names}


def _walked(place: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
        return
    rows = value.items() if isinstance(value, Mapping) else enumerate(value, 1)
    for key, one in rows:
        yield from _walked(f"{place}.{key}", one)
