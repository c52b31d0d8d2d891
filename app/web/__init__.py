"""The HTTP door. Every router of the service stands in ROUTERS."""

from fastapi import APIRouter

from app.web import docs, health, sandbox
from app.web.api import alerts as api_alerts
from app.web.api import counts as api_counts
from app.web.api import sandbox as api_sandbox
from app.web.looks import assets
from app.web.organisers import alerts, counts, door, limits, outbox, pacing
from app.web.supporters import alerts as supporters_alerts
from app.web.supporters import confirm, letters
from app.web.supporters import counts as supporters_counts

ROUTERS: tuple[APIRouter, ...] = (
    supporters_alerts.router,
    supporters_counts.router,
    confirm.router,
    letters.router,
    api_alerts.router,
    api_counts.router,
    api_sandbox.router,
    door.router,
    alerts.router,
    counts.router,
    outbox.router,
    pacing.router,
    limits.router,
    sandbox.router,
    docs.router,
    health.router,
    assets.router,
)
