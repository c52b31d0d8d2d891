"""The trial letter as it arrived: what the receiving server thought of it, and who signed it."""

import re
from email.message import Message
from email.parser import BytesHeaderParser

from app.delivery.domain.findings import Finding, heard, look, not_well, well
from app.delivery.domain.reading.tags import tags
from app.delivery.domain.signing import Signature

ENOUGH = 1_000_000  # octets: headers are at the beginning
# RFC 8601 2.2: a method, its result; what stands in brackets is a remark
RESULT = re.compile(r"(?:^|[;\s])(spf|dkim|dmarc)\s*=\s*([a-z]+)", re.IGNORECASE)
REMARK = re.compile(r"\([^()]*\)")
MEANS = {
    "spf": "the server that handed the letter over may send for our domain",
    "dkim": "the relay signed it, and nobody changed it on the way",
    "dmarc": "one of the two belongs to our From",
}
MEND = {
    "spf": "see what SPF says above, and that the relay keeps our envelope sender",
    "dkim": "switch signing on at the relay for our domain, and publish the record it shows you",
    "dmarc": "SPF or DKIM must pass with our own domain, not with the relay's",
}


class Arrived:
    """The headers of a saved letter; any octets will do."""

    def __init__(self, raw: bytes) -> None:
        self._headers: Message = BytesHeaderParser().parsebytes(raw[:ENOUGH])

    def signatures(self) -> list[Signature]:
        """Where the keys of its DKIM-Signatures lie, in their order."""
        found = [tags(one) for one in self._all("DKIM-Signature")]
        return [
            Signature(one["s"], one["d"].lower()) for one in found if one.get("s") and one.get("d")
        ]

    def results(self) -> dict[str, list[str]]:
        """Method → its results, in the words of the server nearest to the reader."""
        found: dict[str, list[str]] = {method: [] for method in MEANS}
        # servers add theirs on top: what stands below was there before and may be anybody's
        for header in self._all("Authentication-Results")[:1]:
            for method, result in RESULT.findall(REMARK.sub("", header)):
                found[method.lower()].append(result.lower())
        return found

    def findings(self, domain: str) -> list[Finding]:
        """What the receiving server found, and whether a signature is in our name."""
        results = self.results()
        if not any(results.values()):
            return [
                look(
                    "Arrived: the file holds no Authentication-Results. Save the letter with all"
                    " its headers (“show original”), from a mailbox whose server writes them."
                )
            ]
        told = [_told(method, results[method]) for method in MEANS]
        return [*told, *self._signed_by(domain)]

    def _signed_by(self, domain: str) -> list[Finding]:
        signers = [one.domain for one in self.signatures()]
        if not signers:
            return []
        if any(_belongs(signer, domain) for signer in signers):
            return [well(f"Arrived: it is signed in the name of {domain}.")]
        others = heard(", ".join(signers))
        return [
            look(
                f"Arrived: it is signed by {others} and not by {domain}, so DKIM does not count for"
                " DMARC. Set up signing for our own domain at the relay."
            )
        ]

    def _all(self, name: str) -> list[str]:
        return [str(one) for one in self._headers.get_all(name, [])]


def _told(method: str, results: list[str]) -> Finding:
    name = method.upper()
    if "pass" in results:
        return well(f"Arrived: {method}=pass, {MEANS[method]}.")
    if not results:
        return look(f"Arrived: the receiving server says nothing of {name}.")
    return not_well(f"Arrived: {method}={heard(results[0])}: {MEND[method]}.")


def _belongs(signer: str, domain: str) -> bool:
    """Relaxed alignment, RFC 7489 3.1.1, as far as it can be told without a list of registries."""
    ours = domain.lower()
    return signer == ours or signer.endswith(f".{ours}") or ours.endswith(f".{signer}")
