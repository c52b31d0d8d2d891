"""Any alert of one's own as a zip."""

from fastapi import APIRouter, Depends, Request, Response

from app.campaigns.drafts import keeping
from app.campaigns.zips import writing
from app.errors import DraftUnfinished
from app.languages import translations
from app.models import AlertState
from app.web import gate
from app.web.organisers.alerts import find
from app.web.pages import reader_language, render

router = APIRouter(
    prefix="/organise/alerts", include_in_schema=False, dependencies=[Depends(gate.signed_in)]
)


@router.get("/{slug}/export")
async def export(
    request: Request,
    session: gate.Reading,
    organiser: gate.Us,
    slug: str,
    draft: bool = False,
) -> Response:
    """The alert as it stands; one that is still a draft, and `?draft=1`, as it is written now."""
    alert = await find(session, organiser, slug)
    if not draft and alert.state != AlertState.DRAFT:
        return zipped(slug, await writing.of_alert(session, slug))
    try:
        data = await writing.of_draft(session, await keeping.read(session, alert))
    except DraftUnfinished as refusal:
        translate = translations(reader_language(request)).gettext
        faults = [(one, translate(one.sentence)) for one in refusal.faults]
        return render(request, "organise/packs/unfinished.html", 422, alert=alert, faults=faults)
    return zipped(slug, data)


def zipped(slug: str, data: bytes) -> Response:
    """A zip that a browser saves under the alert's name."""
    headers = {"Content-Disposition": f'attachment; filename="{slug}.zip"'}
    return Response(data, media_type="application/zip", headers=headers)
