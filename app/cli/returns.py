"""What comes back by mail, at the command line: read one, see what waits for a person."""

import json
import os
import sys
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from app import audit
from app.cli import opening
from app.cli.by_hand import acting_organiser
from app.db import Database
from app.delivery.returns import waiting
from app.delivery.returns.taking import Took, take
from app.errors import Refusal, TakesNoAnswers
from app.models import Returned
from app.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Mail that came back, and what was made of it.")

NO_SUCH_USER, TRY_AGAIN = 67, 75  # sysexits.h, which mail servers read
LONGEST = 100  # characters of a server's words in a list

NumberArgument = Annotated[int, typer.Argument(help="its number in the list")]


@app.command()
def read(
    to: Annotated[
        str, typer.Option(help="whom it came to; else ORIGINAL_RECIPIENT, else its own headers")
    ] = "",
) -> None:
    """Take in the message on standard input; exit 75: not now, bring it again."""
    raw = sys.stdin.buffer.read()
    envelope_to = to or os.environ.get("ORIGINAL_RECIPIENT", "")

    async def work(settings: Settings, database: Database) -> Took:
        return await take(database, settings, raw, envelope_to=envelope_to)

    try:
        took = opening.on_database(work)
    except TakesNoAnswers as refusal:
        typer.echo(str(refusal), err=True)
        raise SystemExit(NO_SUCH_USER) from None
    except Exception as fault:
        # a mail server loses what is refused for good: whatever it is, it comes again
        why = str(fault) if isinstance(fault, Refusal) else type(fault).__name__
        typer.echo(f"{why}: not now, bring it again", err=True)
        raise SystemExit(TRY_AGAIN) from None
    typer.echo(json.dumps(_json(took)))


def _json(took: Took) -> dict[str, object]:
    return {
        "kind": took.kind,
        "letter": took.letter,
        "action": took.action or None,
        "status": took.status or None,
        "hard": took.hard,
        "changed": took.changed or None,
    }


@app.command(name="list")
def list_waiting() -> None:
    """What waits for a person, the longest first."""
    found = opening.reading(lambda session, settings: waiting.waiting(session))
    for one in found:
        typer.echo(_line(one))
    if not found:
        typer.echo("Nothing waits.", err=True)


def _line(one: Returned) -> str:
    about = f"letter {one.letter_id}" if one.letter_id else "no letter"
    if one.notice_id:
        about = f"notice {one.notice_id}"
    said = " ".join(f"{one.action} {one.reply}".split())[:LONGEST]
    return f"{one.id}  {one.received_at:%Y-%m-%d %H:%M}  {one.kind}  {about}  {said}".rstrip()


@app.command()
def show(number: NumberArgument) -> None:
    """One of them, byte for byte; where no bytes were kept, what is known of it."""
    found = opening.reading(lambda session, settings: waiting.one(session, number))
    if found.raw is None:
        typer.echo(_line(found))
        return
    sys.stdout.buffer.write(found.raw)
    sys.stdout.buffer.flush()


@app.command()
def settle(
    number: NumberArgument,
    by: Annotated[str, typer.Option(help="the organiser who read it, by their address")],
) -> None:
    """Note that a person has read it; its bytes are dropped."""

    async def work(session: AsyncSession, settings: Settings) -> None:
        who = await acting_organiser(session, by)
        await waiting.settle(session, number, by=who)
        await audit.note(session, who, f"Read the returned message {number}.")

    opening.writing(work)
    typer.echo(f"{number}: settled.")
