"""The web application, made from its settings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Depends, FastAPI
from fastapi.middleware.gzip import GZipMiddleware

from app import __doc__ as what_it_is
from app.db import Database
from app.outbox.pacing import calendars
from app.settings import Settings
from app.web import ROUTERS, answers, armour, gate
from app.web.looks.assets import Assets
from app.web.pages import Pages

# every route once for the process: working out what each depends on takes a tenth of a second
door = APIRouter(dependencies=[Depends(gate.same_origin)])
for _router in ROUTERS:
    door.include_router(_router)


def create_app(settings: Settings) -> FastAPI:
    """One application with its own database pool, which closes with it."""
    database = Database(settings.database)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if settings.paced:
            await asyncio.to_thread(calendars.warm)
        yield
        await database.close()

    app = FastAPI(
        title="Send One Email",
        description=what_it_is or "",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        routes=door.routes,
    )
    app.state.settings = settings
    app.state.database = database
    app.state.assets = Assets(settings)
    app.state.pages = Pages(settings, app.state.assets)
    app.state.drawing = asyncio.Lock()  # pictures: one at a time, for all who wait for it
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(armour.Armour, settings=settings, known=gate.is_known)
    answers.install(app)
    return app
