"""Made-up people who post the form, over connections that stay open."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from statistics import quantiles
from time import perf_counter

from app.bench.ground.filling import NAMES, OWN_WORDS
from app.bench.ground.offices import ALERT
from app.bench.ground.processes import LOOPBACK, CannotMeasure

PATH = f"/api/v1/alerts/{ALERT}/submissions"


@dataclass(frozen=True)
class Found:
    """Forms taken a second, seconds within which half and 99 of 100 were answered, and refusals."""

    speed: float
    half: float
    slowest: float
    refused: int  # with a 503: it could not be saved in time


async def post(port: int, forms: int, connections: int, numbers: Iterator[int]) -> Found:
    """Post so many forms of different people, over so many connections at once."""
    times: list[float] = []
    answers: Counter[int] = Counter()
    left = count(forms, -1)

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        try:
            while next(left) > 0:
                began = perf_counter()
                writer.write(_request(port, next(numbers)))
                answers[await _answer(reader)] += 1
                times.append(perf_counter() - began)
        finally:
            writer.close()

    began = perf_counter()
    await asyncio.gather(*(one_connection() for _ in range(connections)))
    seconds = perf_counter() - began
    cuts = quantiles(times, n=100)
    return Found(answers[201] / seconds, cuts[49], cuts[98], answers[503])


def _request(port: int, number: int) -> bytes:
    form = {
        "name": NAMES[number % len(NAMES)],
        "email": f"supporter-{number}@example.org",
        "city": "Tartu",
        "country": "EE",
        "postal_address": "Made-up Street 1, Tartu",
        "own_words": OWN_WORDS[number % len(OWN_WORDS)],
        "consent": True,
    }
    body = json.dumps(form).encode()
    head = f"POST {PATH} HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Content-Type: application/json\r\n\r\n".encode() + body


async def _answer(reader: asyncio.StreamReader) -> int:
    """Its status: 201, or 503. Raises CannotMeasure."""
    async with asyncio.timeout(60):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = head.lower().partition("content-length:")[2].partition("\r\n")[0]
        said = await reader.readexactly(int(length))
    status = int(head.split()[1])
    if status not in {201, 503}:
        raise CannotMeasure(f"a form was answered with {head.splitlines()[0]}: {said.decode()}")
    return status
