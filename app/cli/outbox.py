"""The outbox at the command line: how it stands, and the operator's hand on it."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Literal

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.stage_moves import noticing
from app.cli import opening
from app.cli.by_hand import ByOption, WhyOption, acting_organiser
from app.db import Database
from app.outbox import operating, places
from app.outbox.freezes import Scope
from app.outbox.operating import CalledOff, QueuedAgain
from app.outbox.places import Place
from app.reporting.outbox import state
from app.reporting.outbox.hosts import Hold, HostLine, Reply
from app.reporting.outbox.state import Outbox, Rate, Relay
from app.settings import Settings

app = typer.Typer(help="How the outbox stands; hold, let go, try again, call off.")

ScopeArgument = Annotated[Literal["letter", "contact", "host", "alert"], typer.Argument()]
RefArgument = Annotated[str, typer.Argument(help="number, address, name of the host, or slug")]
REFUSED_SHOWN = 10


# ── the operator's hand ──


@app.command()
def freeze(scope: ScopeArgument, ref: RefArgument, why: WhyOption, by: ByOption) -> None:
    """Hold what waits there; it loses nothing, and takes effect with the next claim."""

    async def work(session: AsyncSession, settings: Settings) -> tuple[Place, bool]:
        place, who = await _place(session, settings, scope, ref, by)
        return place, await operating.freeze(session, place, why=why, by=who)

    place, changed = opening.writing(work)
    typer.echo(f"{place.named}: {'frozen' if changed else 'was frozen already'}.")


@app.command()
def release(scope: ScopeArgument, ref: RefArgument, by: ByOption, why: WhyOption = "") -> None:
    """Let it go on with the next claim."""

    async def work(session: AsyncSession, settings: Settings) -> tuple[Place, bool]:
        place, who = await _place(session, settings, scope, ref, by)
        changed = await operating.release(session, place, why=why, by=who)
        if changed and place.scope == "letter":
            await noticing.look_again(session, place, by=who)
        return place, changed

    place, changed = opening.writing(work)
    typer.echo(f"{place.named}: {'released' if changed else 'was not frozen'}.")


@app.command()
def cancel(scope: ScopeArgument, ref: RefArgument, why: WhyOption, by: ByOption) -> None:
    """Call off what waits there, for good; its supporters read the reason."""

    async def work(settings: Settings, database: Database) -> tuple[Place, CalledOff]:
        n = 0
        while True:
            async with database.transaction() as session:
                place, who = await _place(session, settings, scope, ref, by)
                done = await operating.call_off(session, place, why=why, by=who)
            n += done.n
            if not done.more:
                return place, CalledOff(n, done.leaving, more=False)
            typer.echo(f"so far: {n:,}", err=True)

    place, done = opening.on_database(work)
    typer.echo(f"{place.named}: letters cancelled: {done.n:,}.")
    if done.leaving:
        typer.echo(f"Letters leaving at this moment, not called back: {done.leaving:,}.", err=True)


@app.command()
def requeue(scope: ScopeArgument, ref: RefArgument, by: ByOption, why: WhyOption = "") -> None:
    """Queue failed letters again, where they still read as they were confirmed."""

    async def work(settings: Settings, database: Database) -> tuple[Place, QueuedAgain]:
        n, refused, after = 0, dict[int, str](), 0
        while True:
            async with database.transaction() as session:
                place, who = await _place(session, settings, scope, ref, by)
                done = await operating.queue_again(session, place, by=who, why=why, after=after)
                if done.n:
                    await noticing.look_again(session, place, by=who)
            n, refused = n + done.n, refused | done.refused
            if done.after is None:
                return place, QueuedAgain(n, refused)
            after = done.after
            typer.echo(f"so far: {n:,}", err=True)

    place, done = opening.on_database(work)
    typer.echo(f"{place.named}: letters queued again: {done.n:,}.")
    for letter_id, fault in list(done.refused.items())[:REFUSED_SHOWN]:
        typer.echo(f"letter {letter_id} stays as it is: {fault}", err=True)
    if len(done.refused) > REFUSED_SHOWN:
        typer.echo(f"and {len(done.refused) - REFUSED_SHOWN:,} more stay as they are", err=True)
    if done.refused:
        raise typer.Exit(1)


async def _place(
    session: AsyncSession, settings: Settings, scope: Scope, ref: str, by: str
) -> tuple[Place, str]:
    """The place, and the organiser who acts there. Raises Missing or NotAllowed."""
    who = await acting_organiser(session, by)
    return await places.find(session, scope, ref, delivery=settings.delivery), who


# ── how it stands ──


@app.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """How many letters wait, since when, how fast they leave, and how each mail host stands."""
    if context.invoked_subcommand:
        return
    found = opening.reading(lambda session, settings: state.now(session, settings))
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2, ensure_ascii=False, default=_moment))
    else:
        typer.echo("\n".join(_lines(found)))


def _moment(value: object) -> str:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)


def _lines(found: Outbox) -> list[str]:
    due = found.oldest_due
    facts = [
        ("delivery", found.delivery),
        *((status, f"{n:,}") for status, n in found.depth.items()),
        ("oldest due", f"{_at(due)}, {_long(found.as_of - due)} ago" if due else "nothing is due"),
        ("left", _rate(found.rate)),
        ("failed", f"{found.failed:,}"),
        ("notices", f"{found.notices:,}"),
        ("returns to read", f"{found.returns:,}"),
        ("frozen letters", f"{found.frozen_letters:,}"),
        *(("frozen alert", f"{one.slug}: {_hold(one.hold)}") for one in found.alerts),
        *(("relay", _relay(one)) for one in found.relays),
    ]
    lines = [f"{name:<17}{value}" for name, value in facts]
    if found.hosts:
        lines += ["", f"{'mail host':<34}{'waiting':>9}{'last hour':>11}  next turn"]
    return lines + [line for host in found.hosts for line in _host(host)]


def _host(host: HostLine) -> list[str]:
    """One line, and more only where something is the matter."""
    lines = [_row(host.name, host.waiting, host.sent_hour, host.next_at)]
    if host.hold:
        lines.append(f"  FROZEN {_hold(host.hold)}")
    if host.last:
        lines.append(f"  last reply {_at(host.last.at)}: {_reply(host.last)}")
    for box in host.mailboxes:
        if box.hold or box.review_at or box.failed:
            lines.append(_row(f"  {box.email}", box.waiting, box.sent_hour, box.next_at))
        if box.hold:
            lines.append(f"    FROZEN {_hold(box.hold)}")
        if box.review_at:
            lines.append(f"    to review since {_at(box.review_at)}: {_one_line(box.review_why)}")
        if box.failed:
            lines.append(f"    failed: {box.failed:,}")
    return lines


def _row(name: str, waiting: int, sent_hour: int, next_at: datetime | None) -> str:
    return f"{name:<34}{waiting:>9,}{sent_hour:>11,}  {_at(next_at) if next_at else '–'}"


def _rate(rate: Rate) -> str:
    many = "at least " if rate.at_least else ""
    return (
        f"{many}{rate.minute:,} in the last minute, {rate.ten_minutes:,} in ten,"
        f" {rate.hour:,} in an hour"
    )


def _relay(relay: Relay) -> str:
    if not relay.failures:
        return f"{relay.name} lets us in"
    again = f"; again {_at(relay.retry_at)}" if relay.retry_at else ""
    return f"{relay.name} REFUSED {relay.failures} times in a row: {_one_line(relay.why)}{again}"


def _hold(hold: Hold) -> str:
    return f"since {_at(hold.at)} by {hold.by}: {_one_line(hold.why)}"


def _reply(reply: Reply) -> str:
    code = "" if reply.code is None or reply.words.startswith(str(reply.code)) else reply.code
    return f"{reply.outcome}, {code} {_one_line(reply.words)}".replace("  ", " ")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _long(since: timedelta) -> str:
    minutes = int(since.total_seconds()) // 60
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"
