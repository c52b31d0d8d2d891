"""Live delivery through the test's own server: example.org, and loopback only."""

import pytest

from app.settings import Delivery, Settings, Switch
from tests.grounds.letters import MAIL_DOMAIN
from tests.grounds.smtp import SmtpServer


@pytest.fixture
def live(settings: Settings, smtp_server: SmtpServer) -> Settings:
    """As fast as the server takes it."""
    return settings.model_copy(
        update={
            "delivery": Delivery.LIVE,
            "smtp_url": smtp_server.url,
            "mail_domain": MAIL_DOMAIN,
            "pacing": Switch.OFF,
            "connections": 2,
        }
    )
