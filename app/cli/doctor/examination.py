"""The doctor: looks at this machine, at the way out and at our domain, and says so in sentences."""

from dataclasses import dataclass

from app.cli.doctor import beyond, here, trial
from app.cli.doctor.arrived import Arrived
from app.delivery.domain.findings import Finding, well
from app.delivery.domain.signing import Signature
from app.settings import Delivery, Settings


@dataclass(frozen=True)
class Asked:
    """What the person at the machine wants looked at, beyond what is always looked at.

    `send`: who gets a trial letter; `selector`: of the DKIM key; `address`: the one the world sees
    us by; `arrived`: a trial letter as it arrived; `network`: look beyond this machine although
    delivery is sandbox.
    """

    send: str = ""
    selector: str = ""
    address: str = ""
    arrived: bytes = b""
    network: bool = False


async def examine(settings: Settings, asked: Asked | None = None) -> list[Finding]:
    """Look at everything; a part that does not work does not hide the others."""
    asked = asked or Asked()
    findings = await here.examine(settings)
    arrived = Arrived(asked.arrived) if asked.arrived else None
    me = await trial.addressee(settings, asked.send) if asked.send else ""
    if settings.delivery is not Delivery.SANDBOX or asked.network:
        signatures = arrived.signatures() if arrived else []
        if asked.selector:
            signatures.append(Signature(asked.selector, settings.mail_domain))
        findings += await beyond.examine(
            settings,
            recipient=me if me and isinstance(me, str) else f"letters@{settings.mail_domain}",
            address=asked.address,
            signatures=signatures,
        )
    elif settings.smtp_url:
        # in practice there is nobody to greet
        findings.append(well("Relay and domain are looked at with --network before going live."))
    if arrived:
        findings += arrived.findings(settings.mail_domain)
    if isinstance(me, Finding):
        findings.append(me)
    elif me:
        findings += await trial.examine(settings, me)
    return findings
