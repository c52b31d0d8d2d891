"""`bench`: how fast it is, each figure beside a named peer measured in the same run."""

import asyncio
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.cli import opening

# What a measure needs is loaded by the command that measures: a worker must not carry it.

app = typer.Typer(no_args_is_help=True, help="How fast it is, beside named peers.")


class Kind(StrEnum):
    """The database that is made for the run."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


DatabaseOption = Annotated[Kind, typer.Option(help="made for this run, set up as in production")]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]


@app.command(name="delivery")
def measure_delivery(
    letters: Annotated[int, typer.Option(min=10, help="letters of a run")] = 20_000,
    database: DatabaseOption = Kind.SQLITE,
    workers: Annotated[int, typer.Option(min=1, max=10, help="processes; they share 10")] = 1,
    rounds: Annotated[int, typer.Option(min=1, help="of which the median counts")] = 3,
    peers: Annotated[bool, typer.Option(help="measure other programs too")] = True,
    as_json: AsJson = False,
) -> None:
    """Letters a second: claim, render, compose, send, durable result and counts."""
    from app.bench import delivery, table

    plan = delivery.Plan(database, letters, workers, rounds, peers)
    found = asyncio.run(delivery.measure(_folder(), plan, _say))
    table.show("delivery", found, as_json=as_json)


@app.command(name="depth")
def measure_depth(
    letters: Annotated[int, typer.Option(min=10_000, help="waiting in the outbox")] = 5_000_000,
    database: DatabaseOption = Kind.SQLITE,
    as_json: AsJson = False,
) -> None:
    """A claim, a campaign's counts and a worker's memory before millions of letters."""
    from app.bench import depth, table

    found = asyncio.run(depth.measure(_folder(), kind=database, depth=letters, say=_say))
    table.show("depth", found, as_json=as_json)


@app.command(name="forms")
def measure_forms(
    number: Annotated[int, typer.Option("--forms", min=100, help="posted at each step")] = 2_000,
    database: DatabaseOption = Kind.SQLITE,
    as_json: AsJson = False,
) -> None:
    """Forms a second through the API, over 1, 10 and 50 connections."""
    from app.bench import forms, table

    found = asyncio.run(forms.measure(_folder(), kind=database, forms=number, say=_say))
    table.show("forms", found, as_json=as_json)


def _folder() -> Path:
    """Where peers and made-up databases lie: on a real disk, as in production."""
    busy, processors = os.getloadavg()[0], os.cpu_count() or 1
    if busy > processors / 2:
        _say(f"This machine is busy (load {busy:.1f} on {processors}): ratios will be rough.")
    return (opening.settings().data_dir / "bench").resolve()


def _say(sentence: str) -> None:
    typer.echo(sentence, err=True)
