"""The HTTP door. Every router of the service stands in ROUTERS."""

from fastapi import APIRouter

from app.web import docs, health, sandbox
from app.web.api import alerts as api_alerts
from app.web.api import counts as api_counts
from app.web.api import sandbox as api_sandbox
from app.web.api.organisers import alerts as api_own_alerts
from app.web.api.organisers import contacts as api_contacts
from app.web.api.organisers import life as api_life
from app.web.looks import assets
from app.web.organisers import alerts, counts, desk, door, limits, outbox, pacing, returns
from app.web.organisers.contacts import directory as contacts_directory
from app.web.organisers.contacts import imports as contacts_imports
from app.web.organisers.contacts import offices as contacts_offices
from app.web.organisers.contacts import suppressed as contacts_suppressed
from app.web.organisers.editor import letters as editor_letters
from app.web.organisers.editor import new as editor_new
from app.web.organisers.editor import page as editor_page
from app.web.organisers.editor import previews as editor_previews
from app.web.organisers.editor.translating import page as editor_translations
from app.web.organisers.life import publishing, steps, trying
from app.web.organisers.packs import exporting, loading
from app.web.organisers.people import (
    invitations,
    members,
    myself,
    record,
    second_factor,
    tokens,
)
from app.web.organisers.spreading import page as share_and_embed
from app.web.organisers.stages import campaigns, kinds, moves, timeline
from app.web.supporters import alerts as supporters_alerts
from app.web.supporters import confirm, letters, own_mailbox, waiting, wrong_address
from app.web.supporters import counts as supporters_counts
from app.web.supporters.mine import answers as mine_answers
from app.web.supporters.mine import forgetting, live, more, stopping
from app.web.supporters.spreading import embed, picture
from app.web.supporters.spreading import sharing as passing_on

ROUTERS: tuple[APIRouter, ...] = (
    supporters_alerts.router,
    supporters_counts.router,
    embed.router,
    picture.router,
    waiting.router,
    confirm.router,
    letters.router,
    live.router,
    mine_answers.router,
    more.router,
    forgetting.router,
    stopping.router,
    passing_on.router,
    own_mailbox.router,
    wrong_address.router,
    api_alerts.router,
    api_counts.router,
    api_sandbox.router,
    api_own_alerts.router,
    api_life.router,
    api_contacts.router,
    door.router,
    invitations.router,
    myself.router,
    second_factor.router,
    tokens.router,
    record.router,
    members.router,
    desk.router,
    returns.router,
    editor_new.router,  # before the alerts: "new" is no alert's address
    editor_page.router,
    editor_previews.router,
    editor_letters.router,
    editor_translations.router,
    alerts.router,
    steps.router,
    publishing.router,
    trying.router,
    contacts_directory.router,
    contacts_offices.router,
    contacts_imports.router,
    contacts_suppressed.router,
    counts.router,
    exporting.router,
    loading.router,
    share_and_embed.router,
    campaigns.router,
    kinds.router,
    timeline.router,
    moves.router,
    outbox.router,
    pacing.router,
    limits.router,
    sandbox.router,
    docs.router,
    health.router,
    assets.router,
)
