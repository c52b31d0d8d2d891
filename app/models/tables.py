"""What every table has in common: how Python's types are kept, and who numbers the rows."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Date, Integer, text
from sqlalchemy.orm import DeclarativeBase

from app.db import UTCDateTime, metadata

# for columns that older rows do not have
EMPTY = text("''")
NO_LIST = text("'[]'")
NO_DICT = text("'{}'")
BigId = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers only INTEGER keys itself


class Base(DeclarativeBase):
    metadata = metadata
    type_annotation_map = {
        datetime: UTCDateTime,
        date: Date,
        dict[str, Any]: JSON,
        list[str]: JSON,
        list[dict[str, Any]]: JSON,
    }
