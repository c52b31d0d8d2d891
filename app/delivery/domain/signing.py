"""DKIM: whether the key is published that our relay signs with."""

from dataclasses import dataclass

from app.delivery.domain.findings import Finding, heard, look, not_well, well
from app.delivery.domain.lookups import Lookups
from app.delivery.domain.reading.tags import read_key


@dataclass(frozen=True)
class Signature:
    """Where the key of a signature lies: the `s=` and `d=` of a DKIM-Signature."""

    selector: str
    domain: str

    @property
    def place(self) -> str:
        return heard(f"{self.selector}._domainkey.{self.domain}")


def unknown(domain: str, *, direct: bool) -> Finding:
    """DKIM where no selector is known: a name system cannot be asked for all of them."""
    if direct:
        return look(
            "DKIM: letters that go straight to the offices' servers are not signed, and pass DMARC"
            " by SPF alone. A relay that signs makes them more welcome."
        )
    return look(
        f"DKIM: the relay signs for {domain}; under which selector is written in the letter that"
        " “doctor --send ME” sends (DKIM-Signature: s=…). Then run “doctor --selector NAME”, or"
        " save the letter and run “doctor --arrived FILE”."
    )


async def dkim(lookups: Lookups, signature: Signature) -> list[Finding]:
    """The key of one signature. Raises NotLookedUp."""
    place = signature.place
    texts = await lookups.texts(f"{signature.selector}._domainkey.{signature.domain}")
    if not texts:
        return [
            not_well(
                f"DKIM: there is no record at {place}. Publish there the TXT or CNAME record that"
                " your relay shows you for this domain."
            )
        ]
    if len(texts) > 1:
        return [not_well(f"DKIM: there are {len(texts)} TXT records at {place}: keep one.")]
    key = read_key(texts[0])
    if key.fault:
        return [
            not_well(
                f"DKIM: the record at {place} does not help: {key.fault}. Publish there the record"
                " that your relay shows you."
            )
        ]
    if key.weak:
        return [look(f"DKIM: a key is published at {place}, but {key.weak}.")]
    return [well(f"DKIM: a key is published at {place}.")]
