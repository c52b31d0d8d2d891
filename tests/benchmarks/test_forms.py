"""The forms that the benchmark posts are forms that the API takes."""

import asyncio
from itertools import count

import pytest
from sqlalchemy import func, select

from app.bench.ground import posting
from app.bench.ground.processes import CannotMeasure
from app.db import Database
from app.models import Submission


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_forms_posted_over_two_connections_are_all_kept(
    furnished: None, database: Database, served: str
) -> None:
    port = int(served.rpartition(":")[2])
    found = await posting.post(port, 20, 2, count())
    assert found.refused == 0
    assert found.speed > 0
    assert 0 < found.half <= found.slowest
    async with database.reading() as session:
        assert await session.scalar(select(func.count(Submission.id))) == 20


@pytest.mark.parametrize(
    ("head", "status"), [("HTTP/1.1 201 Created", 201), ("HTTP/1.1 503 Later", 503)]
)
async def test_an_answer_is_read_to_its_end(head: str, status: int) -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(f"{head}\r\nContent-Length: 2\r\n\r\n{{}}NEXT".encode())
    assert await posting._answer(reader) == status
    assert await reader.read(4) == b"NEXT"


async def test_a_form_that_is_refused_for_what_it_says_ends_the_measure() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"HTTP/1.1 422 Unprocessable\r\ncontent-length: 4\r\n\r\nname")
    with pytest.raises(CannotMeasure, match="422 Unprocessable: name"):
        await posting._answer(reader)
