"""New drafts: of an alert that nobody has written yet, or with everything of another one."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.campaigns.drafts import contents, keeping
from app.campaigns.drafts.contents import CALL
from app.campaigns.drafts.naming import free_slug
from app.languages import marked as _
from app.models import Alert, AlertState, Campaign, DraftSection, OwnMailbox

OTHERWISE = "Europe/Brussels"  # where nothing else is known of where an organisation lives
PROMPTS = (
    _("Why does this matter to you?"),
    _("Do you have a link to the country you are writing to: family, friends, a journey?"),
    _("What is your work, and what has it taught you about this?"),
)


async def create(
    session: AsyncSession, *, campaign: Campaign, title: str, kind: str = "letters", by: str
) -> Alert:
    """A new alert that nobody sees yet; its address is made of its title."""
    with_letters = kind == "letters"
    alert = await _add(
        session,
        campaign,
        slug=await free_slug(session, Alert.slug, title, otherwise="alert"),
        kind=kind,
        title=title,
        prompts=list(PROMPTS) if with_letters else [],
        default_roles=["prime_minister"] if with_letters else [],
        timezone=await _zone(session, campaign),
    )
    await keeping.save(
        session,
        alert,
        CALL,
        {"title": title, "summary": "", "body": ""},
        version=(await keeping.read(session, alert)).sections[CALL].version,
        by=by,
    )
    return alert


async def clone(session: AsyncSession, alert: Alert, *, by: str) -> Alert:
    """A new draft with everything of another alert, its unpublished changes too, but its dates."""
    draft = await keeping.read(session, alert)
    made = await _add(
        session,
        alert.campaign,
        slug=await free_slug(session, Alert.slug, alert.title, otherwise="alert"),
        kind=alert.kind,
        title=alert.title,
        timezone=alert.timezone,
    )
    now = clock.now()
    parts = {name: one.content for name, one in draft.sections.items()}
    parts[contents.DATES] = (await keeping.read(session, made)).content(contents.DATES)
    for name, content in parts.items():
        section = DraftSection(alert_id=made.id, name=name, content=content, version=1)
        section.changed_at, section.changed_by = now, by
        session.add(section)
    made.draft_base = contents.seal(contents.of_alert(made, ()))
    await session.flush()
    return made


async def _add(
    session: AsyncSession, campaign: Campaign, *, slug: str, kind: str, title: str, **values: object
) -> Alert:
    lists: dict[str, object] = {
        name: []
        for name in ("prompts", "default_roles", "resources", "share", "texts", "refused_words")
    }
    now = clock.now()
    alert = Alert(
        campaign=campaign,
        slug=slug,
        kind=kind,
        state=AlertState.DRAFT,
        title=title,
        summary="",
        body="",
        opens_at=now.replace(second=0, microsecond=0),
        closes_at=None,
        made_up=False,
        created_at=now,
        countries=[],
        translations=[],
        own_mailbox=OwnMailbox.OFFERED,
        editable=False,
        **(lists | values),
    )
    session.add(alert)
    await session.flush()
    return alert


async def _zone(session: AsyncSession, campaign: Campaign) -> str:
    """The time zone of the organisation's newest alert."""
    newest = (
        select(Alert.timezone)
        .join(Campaign, Campaign.id == Alert.campaign_id)
        .where(Campaign.organisation_id == campaign.organisation_id)
        .order_by(Alert.id.desc())
        .limit(1)
    )
    return await session.scalar(newest) or OTHERWISE
