"""One row of a contact file, checked. Whatever the file was, its entries end up as these."""

import re
from collections.abc import Collection
from datetime import date, timedelta
from functools import lru_cache
from typing import Annotated, Any, Self

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationError,
    model_validator,
)

from app import clock
from app.wording.templates import TargetRole

A_DAY = timedelta(days=1)  # in the east it is tomorrow already
PLAIN_NAME = re.compile(r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*")  # before the @, nothing special


def _an_address(email: str) -> str:
    name, _, domain = email.rpartition("@")
    if len(name) <= 64 and len(email) <= 200 and PLAIN_NAME.fullmatch(name):
        # the whole check takes 130 µs, and a country's offices share a few domains
        checked, fault = _domain(domain)
        if not fault:
            return f"{name}@{checked}"
    try:
        found = validate_email(email, check_deliverability=False)
    except EmailNotValidError as refused:
        raise ValueError(str(refused).rstrip(".")) from None
    if not found.ascii_email:
        raise ValueError("an address outside ASCII cannot be written to yet")
    return found.ascii_email


@lru_cache(maxsize=4096)
def _domain(domain: str) -> tuple[str, bool]:
    """The domain as mail servers know it, or that something is wrong with it."""
    try:
        return validate_email(f"a@{domain}", check_deliverability=False).ascii_domain, False
    except EmailNotValidError:
        return "", True


def _a_day(text: Any) -> Any:
    if text == "":
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("a day is written as 2026-11-22") from None


def _no_formula(text: str) -> str:
    """The directory leaves as CSV, whose cells a spreadsheet works out when they begin so."""
    if text.lstrip().startswith(FORMULA):
        raise ValueError("it begins with = + - or @, which a spreadsheet takes for a formula")
    return text


FORMULA = ("=", "+", "-", "@")
PLAIN = r"^[^\x00-\x1f\x7f]*$"
Text = Annotated[str, StringConstraints(max_length=200, pattern=PLAIN), AfterValidator(_no_formula)]
Line = Annotated[Text, StringConstraints(min_length=1)]
Language = Annotated[str, StringConstraints(max_length=8, pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$")]


class ContactRow(BaseModel):
    """One line of a contact file, checked; the columns in their order."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    office: Line
    role: TargetRole
    institution: Line
    institution_local: Text
    email: Annotated[
        str,
        StringConstraints(max_length=320),
        AfterValidator(_no_formula),
        AfterValidator(_an_address),
    ]
    languages: Annotated[tuple[Language, ...], BeforeValidator(lambda text: tuple(text.split()))]
    evidence: Annotated[str, StringConstraints(max_length=40, pattern=r"^[a-z]+(-[a-z]+)*$")]
    source_url: Annotated[
        str, StringConstraints(max_length=500, pattern=r"^(https?://[^\s\x00]+)?$")
    ]
    checked_on: Annotated[date | None, BeforeValidator(_a_day)]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.languages:
            raise ValueError("languages: none is named")
        if self.checked_on and not self.source_url:
            raise ValueError("checked_on: a check needs its source_url")
        if self.checked_on and self.checked_on > clock.now().date() + A_DAY:
            raise ValueError("checked_on: this day is still to come")
        return self


COLUMNS = tuple(ContactRow.model_fields)
GIVEN = "given"  # in a row that is kept: the columns its file had
NOT_LIKE = {
    "country": "no country is called so; a code such as EE is best",
    "languages": "a language is a code such as et or en",
    "evidence": "a word such as official-page",
    "source_url": "a web address begins with https:// and has no spaces",
}


def row_of(cells: dict[str, str]) -> ContactRow:
    """Raises ValueError with every reason, each after its column."""
    try:
        return ContactRow.model_validate(cells)
    except ValidationError as fault:
        raise ValueError("; ".join(_reason(one) for one in fault.errors())) from None


def faults_of(cells: dict[str, str]) -> set[str]:
    """The columns in which something is wrong; none: `row_of` takes it."""
    try:
        ContactRow.model_validate(cells)
    except ValidationError as fault:
        # a row that is wrong as a whole says which column it means in its first word
        return {
            str(one["loc"][0]) if one["loc"] else _reason(one).partition(":")[0]
            for one in fault.errors()
        }
    return set()


def _reason(fault: Any) -> str:
    name = str(fault["loc"][0]) if fault["loc"] else ""
    said = {
        "missing": "is missing",
        "string_too_short": "is empty",
        "too_short": "is empty",
        "too_long": "has more than {max_length} characters",
        "string_too_long": "has more than {max_length} characters",
        "string_pattern_mismatch": NOT_LIKE.get(name, "has signs that no line of text has"),
    }.get(fault["type"], str(fault["msg"]).removeprefix("Value error, "))
    return (f"{name}: " if name else "") + said.format(**fault.get("ctx", {}))


def partly(row: ContactRow, given: Collection[str]) -> ContactRow:
    """The same row, of which its file said only these columns: the others are our guess, good
    for a new office and never against what is known of one."""
    return ContactRow.model_construct(_fields_set=set(given), **row.__dict__)


def kept(row: ContactRow) -> dict[str, Any]:
    """As a database keeps it."""
    cells = row.model_dump(mode="json")
    if row.model_fields_set != set(COLUMNS):
        cells[GIVEN] = sorted(row.model_fields_set)
    return cells


def taken_out(cells: dict[str, Any]) -> ContactRow:
    """A row that was kept; it was checked before."""
    values = {name: cells[name] for name in COLUMNS}
    values["languages"] = tuple(cells["languages"])
    values["checked_on"] = date.fromisoformat(day) if (day := cells["checked_on"]) else None
    return ContactRow.model_construct(_fields_set=set(cells.get(GIVEN, COLUMNS)), **values)
