"""Share and embed: the lines to copy of an alert, made as they are asked for."""

from fastapi import APIRouter, Depends, Request, Response

from app.languages import LANGUAGES, language_name
from app.letters.words.texts import clean
from app.web import gate
from app.web.looks.assets import STYLES
from app.web.organisers import alerts
from app.web.organisers.spreading import lines
from app.web.pages import render
from app.web.supporters.spreading import prefilled

LONGEST = 200  # characters, as of a source that is kept
OF_LINKS = ("partner", "utm_source", "utm_medium", "utm_campaign")

router = APIRouter(
    prefix="/organise", include_in_schema=False, dependencies=[Depends(gate.signed_in)]
)


@router.get("/alerts/{slug}/share")
async def share(
    request: Request,
    session: gate.Reading,
    settings: gate.Configured,
    organiser: gate.Us,
    slug: str,
) -> Response:
    """Nothing is kept: what is asked for stands in the page's own address."""
    alert = await alerts.find(session, organiser, slug)
    query = request.query_params
    names = ("lang", "style", *OF_LINKS, *prefilled.TEXTS)
    asked = {name: clean(query.get(name, ""))[:LONGEST] for name in names}
    asked["lang"] = asked["lang"] if asked["lang"] in LANGUAGES else ""
    asked["style"] = asked["style"] if asked["style"] in STYLES else ""
    ticked = [one.country for one in alert.countries if one.country in query.getlist("countries")]
    public_url = settings.public_url.rstrip("/")
    of_frame = {name: asked[name] for name in ("lang", "style", *OF_LINKS)}
    of_link = {name: asked[name] for name in ("lang", *OF_LINKS, *prefilled.TEXTS)}
    return render(
        request,
        "organise/spreading/share.html",
        alert=alert,
        asked=asked,
        ticked=ticked,
        speaking=[(code, language_name(code)) for code in LANGUAGES],
        frame=lines.frame(public_url, slug, alert.title, of_frame),
        link=lines.link(public_url, slug, of_link | {"countries": ",".join(ticked)}),
    )
