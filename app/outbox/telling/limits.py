"""How many notices one person gets in a day of those that anybody can have sent to an address."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from app import clock
from app.models import Notice, NoticeKind

A_DAY = timedelta(days=1)
A_DAY_TO_ONE_PERSON = 3
# anybody can have these sent to a stranger's address; the others go to a confirmed one
LIMITED = (NoticeKind.CONFIRM, NoticeKind.REMINDER, NoticeKind.DUPLICATE)


def today(person_key: Any) -> Select[int]:
    """The count of those put for this person within a day."""
    return select(func.count(Notice.id)).where(
        Notice.person_key == person_key,
        Notice.created_at > clock.now() - A_DAY,
        Notice.kind.in_(LIMITED),
    )


def had_enough(person_key: Any) -> ColumnElement[bool]:
    """The same as a condition on the rows of a statement that has people in it."""
    return today(person_key).scalar_subquery() >= A_DAY_TO_ONE_PERSON
