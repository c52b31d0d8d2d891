"""DMARC: what our domain asks servers to do with mail that is not proved to be its own."""

from app.delivery.domain.findings import Finding, heard, look, not_well, well
from app.delivery.domain.lookups import Lookups
from app.delivery.domain.reading.tags import Policy, is_dmarc, read_policy

MEANS = {
    "none": "let letters in that fail the check, and report them",
    "quarantine": "put letters that fail the check aside as spam",
    "reject": "refuse letters that fail the check",
}


async def dmarc(lookups: Lookups, domain: str) -> list[Finding]:
    """The policy that holds for our domain, its own or one above it. Raises NotLookedUp."""
    for above in _upwards(domain):
        found = [text for text in await lookups.texts(f"_dmarc.{above}") if is_dmarc(text)]
        if len(found) > 1:
            return [
                not_well(
                    f"DMARC: _dmarc.{above} has {len(found)} records, and servers then read none:"
                    " keep one."
                )
            ]
        if found:
            return [_says(domain, above, found[0])]
    return [
        look(
            f"DMARC: {domain} has no policy, and large mail hosts want one."
            f" {_publish(domain, 'none')}"
        )
    ]


def _upwards(domain: str) -> list[str]:
    """The domain and those above it that may speak for it: never a top-level one."""
    labels = domain.lower().strip(".").split(".")
    return [".".join(labels[start:]) for start in range(max(1, len(labels) - 1))]


def _says(domain: str, above: str, text: str) -> Finding:
    policy = read_policy(text)
    asked = policy.policy if above == domain.lower() else policy.below
    if not asked:
        return not_well(
            f"DMARC: the record at _dmarc.{above} names no policy that servers know; it reads"
            f" “{heard(text)}”. {_publish(domain, 'none')}"
        )
    sentence = (
        f"DMARC: the record at _dmarc.{above} asks servers to {MEANS[asked]}"
        f" (p={asked}); our From and our bounce address are both at {domain}, so SPF counts"
    )
    if not policy.reports:
        return look(
            f"{sentence}. It asks for no reports (rua=): you would not hear of letters that fail."
        )
    return well(f"{sentence}{_strict(policy, domain)}.")


def _strict(policy: Policy, domain: str) -> str:
    return f", and DKIM only with d={domain} itself" if policy.strict_dkim else ""


def _publish(domain: str, policy: str) -> str:
    value = f"v=DMARC1; p={policy}; rua=mailto:postmaster@{domain}"
    return f"Publish at _dmarc.{domain} the TXT record “{value}”."
