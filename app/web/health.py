"""What machines ask: are you up, can you work, how deep is the outbox."""

from datetime import datetime

from fastapi import APIRouter, BackgroundTasks, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import PlainTextResponse

from app import migrating
from app.accounts.api_tokens import Scope
from app.db import Database
from app.models import SendCount
from app.reporting.outbox import state
from app.web import gate

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def up() -> PlainTextResponse:
    """The process answers; a database that does not is no reason to start it again."""
    return PlainTextResponse("up\n")


@router.get("/readyz")
async def ready(request: Request) -> PlainTextResponse:
    database: Database = request.app.state.database
    try:
        current = await migrating.is_current(database)
    except (SQLAlchemyError, OSError):
        return PlainTextResponse("the database does not answer\n", 503)
    if not current:
        return PlainTextResponse("the database is not migrated to this version\n", 503)
    return PlainTextResponse("ready\n")


async def _may_measure(
    request: Request,
    settings: gate.Configured,
    given: gate.Given,
    sign_in: gate.SignInOrNot,
    after: BackgroundTasks,
) -> None:
    """Whoever brings a token for counts or is signed in; without either only on this machine,
    and only where nobody else is served: a proxy that says nothing of its visitors is here too."""
    if settings.public_is_loopback and gate.on_this_machine(request):
        return
    if given:
        await gate.token_with(Scope.COUNTS_READ)(request, given, after)
    else:
        await gate.signed_in(sign_in)


@router.get("/metrics", dependencies=[Depends(_may_measure)])
async def metrics(session: gate.Reading, settings: gate.Configured) -> Response:
    measured = Measured()
    by_status = select(SendCount.delivery, SendCount.status, func.sum(SendCount.n)).group_by(
        SendCount.delivery, SendCount.status
    )
    for delivery, status, n in await session.execute(by_status):
        measured.set("letters", n, delivery=delivery, status=status)
    outbox = await state.now(session, settings)
    measured.set("oldest_due_letter_seconds", _age(outbox, outbox.oldest_due))
    measured.set("notices_waiting", outbox.notices)
    measured.set("oldest_notice_seconds", _age(outbox, outbox.oldest_notice))
    measured.set("left_in_ten_minutes", outbox.rate.ten_minutes)
    measured.set("returns_waiting", outbox.returns)
    for what, n in _frozen(outbox).items():
        measured.set("frozen", n, what=what)
    for relay in outbox.relays:
        measured.set("relay_failures", relay.failures, relay=relay.name)
    return Response(generate_latest(measured.registry), media_type=CONTENT_TYPE_LATEST)


MEASURES = {
    "letters": "Letters by the status they have now",
    "oldest_due_letter_seconds": "For how long the first letter has been due that nothing freezes",
    "notices_waiting": "Mail to supporters and organisers that has not left",
    "oldest_notice_seconds": "For how long the first of it has been due: a worker sends it at once",
    "left_in_ten_minutes": "Letters that a server took in the last ten minutes",
    "returns_waiting": "Mail that came back and that a person must read",
    "frozen": "What is held until a person lets it go",
    "relay_failures": "How often in a row a relay did not let us in",
}


class Measured:
    """The figures of one moment."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._gauges: dict[str, Gauge] = {}

    def set(self, name: str, value: float, **labels: str) -> None:
        if name not in self._gauges:
            self._gauges[name] = Gauge(
                f"one_email_{name}", MEASURES[name], list(labels), registry=self.registry
            )
        gauge = self._gauges[name]
        (gauge.labels(**labels) if labels else gauge).set(value)


def _age(outbox: state.Outbox, since: datetime | None) -> float:
    return max(0.0, (outbox.as_of - since).total_seconds()) if since else 0.0


def _frozen(outbox: state.Outbox) -> dict[str, int]:
    return {
        "alert": len(outbox.alerts),
        "host": sum(bool(one.hold) for one in outbox.hosts),
        "contact": sum(bool(one.hold) for one in outbox.mailboxes),
        "letter": outbox.frozen_letters,
    }
