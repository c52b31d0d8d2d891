"""MX: whether mail can come back to our domain, as bounces and delivery reports do."""

from app.delivery.domain.findings import Finding, heard, look, not_well, well
from app.delivery.domain.lookups import Lookups
from app.settings import Settings


async def mx(lookups: Lookups, domain: str) -> list[Finding]:
    """Whether the domain names servers, and these can be found. Raises NotLookedUp."""
    exchanges = await lookups.exchanges(domain)
    if not exchanges:
        return [await _without_mx(lookups, domain)]
    names = [one.name for one in exchanges]
    if "" in names:
        return [
            not_well(
                f"MX: {domain} says that it takes no mail at all (a null MX, RFC 7505), so no"
                " bounce comes back and some servers refuse our letters. Publish instead an MX"
                " record that names your mail server."
            )
        ]
    lost = [name for name in names if not await lookups.addresses(name)]
    if lost:
        return [
            not_well(
                f"MX: {domain} names {heard(', '.join(lost))}, which has no address. Publish an A"
                " record for it, or take it out of the MX records."
            )
        ]
    return [well(f"MX: mail to {domain} goes to {heard(', '.join(names))}.")]


async def _without_mx(lookups: Lookups, domain: str) -> Finding:
    what = f"Publish at {domain} the MX record “10 ” and the name of your mail server."
    if await lookups.addresses(domain):
        return look(f"MX: {domain} has none, so bounces go to the domain's own address. {what}")
    return not_well(
        f"MX: {domain} has none and no address either: no bounce can come back, and many servers"
        f" refuse letters from such a domain. {what}"
    )


def taken_in(settings: Settings) -> Finding:
    """Whether this service reads what comes back."""
    ways = []
    if settings.returns_lmtp:
        ways.append(f"by LMTP at {heard(settings.returns_lmtp)}")
    if settings.returns_imap:
        ways.append("from an IMAP mailbox")  # its address holds a password
    if ways:
        return well(f"What comes back is taken in {' and '.join(ways)}.")
    return look(
        "Nothing takes in what comes back, so a bounced letter stays “handed over”: let the mail"
        f" server of {settings.mail_domain} hand on letters+…@{settings.mail_domain} and set"
        " ONE_EMAIL_RETURNS_LMTP or ONE_EMAIL_RETURNS_IMAP."
    )
