"""Letters that a supporter sends from their own mail program: nothing of them is kept here."""

from fastapi import APIRouter, Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from app.campaigns import alerts, offices
from app.errors import FormRefused, Missing
from app.letters import submission
from app.letters.form import Form
from app.letters.told import openings
from app.models import Alert
from app.settings import Delivery, Settings
from app.web import forms, pages
from app.web.gate import Configured, Reading, throttle, writing
from app.web.supporters import desk, rehearsal

router = APIRouter(include_in_schema=False)
NOT_NEEDED = {"email", "consent"}  # nothing is sent or stored
NOT_KEPT = {"page", "opened"}  # of the form's fields: the page has its own of these


@router.get("/alerts/{slug}/own-mailbox")
@router.get("/alerts/{slug}/own-mailbox/opened")
async def again(request: Request, slug: str) -> Response:
    """Whoever reloads the page, or sends its address on, finds the form."""
    return RedirectResponse(str(request.url.replace(path=f"/alerts/{slug}")), 303)


@router.post("/alerts/{slug}/own-mailbox", dependencies=[Depends(throttle("preview"))])
async def show(request: Request, slug: str, session: Reading, settings: Configured) -> Response:
    """Each letter with the links that open it. A POST, so that no address and no log has it."""
    data = await request.form()  # first: a slow line must hold no transaction
    alert = await _find(request, session, settings, slug)
    return await _page(request, session, settings, alert, data, just=frozenset())


@router.post("/alerts/{slug}/own-mailbox/opened", dependencies=[Depends(throttle("opened"))])
async def opened(request: Request, slug: str, session: Reading, settings: Configured) -> Response:
    """A letter was opened: counted once for each page, and answered with that page."""
    data = await request.form()
    alert = await _find(request, session, settings, slug)
    delivery = alerts.delivery_for(alert, settings)
    said = str(data.get("opened", ""))
    available = await offices.of_alert(session, alert, delivery)
    target_id = next((one.target.id for one in available if str(one.target.id) == said), None)
    if target_id is None:
        raise Missing("office", said)
    if not forms.is_caught(data):
        page = str(data.get("page", ""))
        async with writing(request) as writer:
            await openings.count(writer, settings, alert, target_id, delivery, page)
    if request.headers.get("x-fragment") == "opened":
        return Response(status_code=204)
    return await _page(request, session, settings, alert, data, just=frozenset({target_id}))


async def _find(request: Request, session: AsyncSession, settings: Settings, slug: str) -> Alert:
    """An alert that takes letters now. Raises Missing, AlertClosed, AlertNotOpen, AlertFrozen."""
    alert = await rehearsal.with_form(request, session, settings, slug)
    await alerts.check_open(session, alert)
    return alert


async def _page(
    request: Request,
    session: AsyncSession,
    settings: Settings,
    alert: Alert,
    data: FormData,
    *,
    just: frozenset[int],
) -> Response:
    """The letters; or the form once more, with all that was typed, where a letter lacks
    something. `just`: the office whose letter was opened with this very request."""
    language = pages.reader_language(request)
    form = forms.read(data, language=language)
    context = await desk.context(session, request, settings, alert, form)
    delivery = alerts.delivery_for(alert, settings)
    if faults := _faults(alert, form, await offices.of_alert(session, alert, delivery)):
        context["errors"] = forms.sentences(faults, language)
        return rehearsal.marked(
            request, pages.render(request, "alerts/alert.html", 422, **context), alert
        )
    before = await openings.of_page(
        session, settings, alert, context["chosen_ids"], delivery, context["page"]
    )
    page = pages.render(
        request,
        "alerts/own_mailbox.html",
        **context,
        live=delivery is Delivery.LIVE,
        kept=[(key, str(value)) for key, value in data.multi_items() if key not in NOT_KEPT],
        opened=before | just,
    )
    return rehearsal.marked(request, page, alert)


def _faults(alert: Alert, form: Form, available: list[offices.Office]) -> dict[str, str]:
    """What a letter lacks that its own supporter sends."""
    try:
        submission.checked(alert, form, available)
    except FormRefused as refusal:
        return {field: why for field, why in refusal.fields.items() if field not in NOT_NEEDED}
    return {}
