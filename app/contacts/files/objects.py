"""JSON: Popolo (posts and persons with their organisations and areas), and Proca's target lists."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.contacts.files import columns
from app.contacts.files.entries import MOST, Entry, Found, shortened
from app.errors import FileRefused, RowRefused
from app.wording.templates import ROLES

Object = Mapping[str, Any]
WRITABLE = frozenset({"", "none", "active"})  # Proca's emailStatus; any other: do not write
PARENTS = 10  # areas above an area, until one is a country


def of_text(text: str) -> Found:
    """Raises FileRefused when it is neither kind."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise _refused(f"it is not JSON: {fault}") from None
    if isinstance(data, dict) and isinstance(data.get("targets"), list):
        data = data["targets"]
    if isinstance(data, list):
        found = Found(_proca(data), ["Proca's list of targets"])
    elif isinstance(data, dict) and {"posts", "persons"} & set(data):
        found = Found(list(Popolo(data).entries()), ["Popolo JSON"])
    else:
        raise _refused("it has neither Popolo's posts and persons nor a list of targets")
    if len(found.entries) > MOST:
        raise _refused(f"it has more than {MOST} entries")
    return found


def _proca(data: list[Any]) -> list[Entry]:
    return [_target(number, one) for number, one in enumerate(data, start=1)]


def _target(number: int, target: Any) -> Entry:
    """One target, its own `fields` among its cells."""
    if not isinstance(target, dict):
        return Entry(number, {}, str(target), frozenset(), fault="it is no target")
    flat = target | (target["fields"] if isinstance(target.get("fields"), dict) else {})
    named = {columns.column(name): value for name, value in flat.items()}
    email, fault = _writable(target)
    cells = {name: _text(value) for name, value in named.items()} | {"email": email}
    cells = {name: cell for name, cell in cells.items() if cell}
    return Entry(number, cells, target, frozenset(cells), columns.person(cells), fault)


def _writable(target: Object) -> tuple[str, str]:
    """The first address that may be written to, or why none may."""
    listed = [one for one in _list(target.get("emails")) if isinstance(one, dict)]
    if not listed:
        return _text(target.get("email")), ""
    status = {_text(one.get("email")): _text(one.get("emailStatus")).lower() for one in listed}
    good = next((email for email, state in status.items() if state in WRITABLE), "")
    if good:
        return good, ""
    return "", f"email: Proca says of it: {', '.join(sorted(set(status.values())))}"


class Popolo:
    """The file's tables by id. https://www.popoloproject.com/specs/"""

    def __init__(self, data: Object) -> None:
        self.posts = _objects(data.get("posts"))
        self.persons = _objects(data.get("persons"))
        self.organizations = _by_id(_objects(data.get("organizations")))
        self.areas = _by_id(_objects(data.get("areas")))
        self.post_of = _by_id(self.posts)
        self.memberships: dict[str, Object] = {}
        for one in _objects(data.get("memberships")):
            if not one.get("end_date"):
                self.memberships.setdefault(_text(one.get("person_id")), one)

    def entries(self) -> Iterator[Entry]:
        """Posts with an address of their own first, then persons with one."""
        number = 0
        for post in self.posts:
            number += 1
            if contact := _email_of(post):
                yield self._of_post(number, post, contact)
        for person in self.persons:
            number += 1
            contact = _email_of(person)
            if contact or not self.posts:
                yield self._of_person(number, person, contact or {})

    def _of_post(self, number: int, post: Object, contact: Object) -> Entry:
        cells = self._common(post, contact)
        cells |= {"office": _text(post.get("label")) or _text(post.get("role"))}
        if _text(post.get("role")) in ROLES:
            cells["role"] = _text(post.get("role"))
        return _entry(number, post, cells)

    def _of_person(self, number: int, person: Object, contact: Object) -> Entry:
        nested = _objects(person.get("memberships"))
        place = next(iter(nested), None) or self.memberships.get(_text(person.get("id")), {})
        post = self.post_of.get(_text(place.get("post_id")), {})
        title = place.get("label") or post.get("label") or place.get("role")
        cells = self._common({**post, **place}, contact) | {"office": _text(title)}
        return _entry(number, person, cells, name=_text(person.get("name")))

    def _common(self, place: Object, contact: Object) -> dict[str, str]:
        organization = self.organizations.get(_text(place.get("organization_id")), {})
        local = [_text(one.get("name")) for one in _objects(organization.get("other_names"))
                 if one.get("note") == "local"]  # fmt: skip
        source = next(iter(_objects(contact.get("sources")) or _objects(place.get("sources"))), {})
        return {
            "email": _text(contact.get("value")),
            "country": self._country(place) or self._country(organization),
            "institution": _text(organization.get("name")),
            "institution_local": next(iter(local), ""),
            "languages": " ".join(map(_text, _list(place.get("languages")))),
            "evidence": _text(contact.get("note")),
            "source_url": _text(source.get("url")),
            "checked_on": _text(contact.get("checked_on")),
        }

    def _country(self, thing: Object) -> str:
        """The first area, going up, that is a country."""
        area_id = _text(thing.get("area_id")) or _text(_dict(thing.get("area")).get("id"))
        for _ in range(PARENTS):
            area = self.areas.get(area_id, {})
            coded = re.search(r"country:([a-z]{2})(?![a-z])", area_id, re.IGNORECASE)
            names = (coded[1] if coded else area_id, _text(area.get("identifier")),
                     _text(area.get("name")))  # fmt: skip
            for name in names:
                if re.fullmatch("[A-Z]{2}", code := columns.country(name)):
                    return code
            area_id = _text(area.get("parent_id"))
        return ""


def _entry(number: int, thing: Object, cells: dict[str, str], name: str = "") -> Entry:
    filled = {column: cell for column, cell in cells.items() if cell}
    return Entry(number, filled, thing, frozenset(filled), name)


def _email_of(thing: Object) -> Object:
    """The contact detail with the address; empty: there is none."""
    for one in _objects(thing.get("contact_details")):
        if one.get("type") == "email" and one.get("value"):
            return one
    return {"value": thing["email"]} if thing.get("email") else {}


def _by_id(things: Iterable[Object]) -> dict[str, Object]:
    return {_text(one.get("id")): one for one in things}


def _objects(value: Any) -> list[Object]:
    return [one for one in _list(value) if isinstance(one, dict)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> Object:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()


def _refused(reason: str) -> FileRefused:
    return FileRefused([RowRefused("", 1, shortened(reason))])
