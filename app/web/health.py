"""What machines ask: are you up, can you work, how deep is the outbox."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import PlainTextResponse

from app import migrating
from app.db import Database
from app.models import SendCount
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


@router.get("/metrics")
async def metrics(request: Request, session: gate.Reading, sign_in: gate.SignInOrNot) -> Response:
    if not gate.on_this_machine(request):
        await gate.signed_in(sign_in)
    registry = CollectorRegistry()
    letters = Gauge(
        "one_email_letters",
        "Letters by the status they have now",
        ["delivery", "status"],
        registry=registry,
    )
    total = func.sum(SendCount.n)
    by_status = select(SendCount.delivery, SendCount.status, total).group_by(
        SendCount.delivery, SendCount.status
    )
    for delivery, status, n in await session.execute(by_status):
        letters.labels(delivery, status).set(n)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
