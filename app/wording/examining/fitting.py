"""Whether there is a text for every office at every stage, and each differs from the others."""

from collections.abc import Iterator, Mapping
from itertools import combinations

from app.wording import templates
from app.wording.examining import likeness
from app.wording.examining.findings import Examined, Finding
from app.wording.letter_fields import NEEDED, PLACES, LetterFields, VariantFields
from app.wording.templates import ROLES

COPIED = 90  # per cent: a letter to another country from which little was changed
MOST_VARIANTS = 30  # of one place
DIFFER = "letters should differ more"
ONE = {"subjects": "subject", "openings": "opening", "reasons": "reason", "closings": "closing"}


def gaps(examined: Examined) -> Iterator[Finding]:
    """Asks, salutations and variants that are not there, or for stages that are not."""
    fields, stages = examined.fields, examined.stages
    for role in ROLES:
        if not fields.salutations.get(role):
            said = f"there is no salutation for the {_office(role)}"
            yield examined.told(f"salutations.{role}", said)
    for role in [one for one in fields.salutations if one not in ROLES]:
        yield examined.told(f"salutations.{role}", f"there is no kind of office called “{role}”")
    for stage in stages:
        if not fields.asks.get(stage):
            yield examined.told(f"asks.{stage}", f"there is no ask for the stage “{stage}”")
    for stage in [one for one in fields.asks if stages and one not in stages]:
        yield examined.told(f"asks.{stage}", f"the campaign knows no stage “{stage}”")
    for place in PLACES:
        yield from _of_place(examined, place)
    if fields.reasons and not templates.shows_reasons(fields.body):
        yield examined.told("reasons", templates.NO_PLACE)


def _of_place(examined: Examined, place: str) -> Iterator[Finding]:
    variants = examined.fields.variants(place)
    needed = place in NEEDED or templates.needs_reasons(examined.fields.body)
    if not variants and not needed:
        return
    if not variants:
        yield examined.told(place, f"there is no {ONE[place]} yet; write at least one")
        return
    if len(variants) > MOST_VARIANTS:
        yield examined.told(place, f"there are {len(variants)} of them; {MOST_VARIANTS} are enough")
        return
    for n, one in enumerate(variants, 1):
        for stage in [x for x in one.stages if examined.stages and x not in examined.stages]:
            yield examined.told(f"{place}.{n}", f"the campaign knows no stage “{stage}”")
        for role in [x for x in one.roles if x not in ROLES]:
            yield examined.told(f"{place}.{n}", f"there is no kind of office called “{role}”")
    for stage in (examined.stages or tuple(examined.fields.asks)) if needed else ():
        without = [role for role in ROLES if not any(_fits(x, role, stage) for x in variants)]
        if without:
            whom = "any office" if len(without) == len(ROLES) else f"the {_offices(without)}"
            yield examined.told(place, f"no {ONE[place]} fits {whom} at the stage “{stage}”")


def twins(examined: Examined, limit: int) -> Iterator[Finding]:
    """Two variants of a place that say nearly the same. `limit`: per cent."""
    for place in PLACES:
        variants = examined.fields.variants(place)[:MOST_VARIANTS]
        cut = [likeness.windows(one.text) for one in variants]
        for (n, one), (m, other) in combinations(enumerate(cut, 1), 2):
            alike = likeness.of(one, other)
            if alike > limit and _meet(variants[n - 1], variants[m - 1]):
                why = "both stand in one letter" if place == "reasons" else DIFFER
                said = f"it is {alike} % like the {ONE[place]} {n}; {why}"
                yield examined.told(f"{place}.{m}", said, serious=False)


def copies(examined: Examined, bodies: Mapping[str, LetterFields]) -> Iterator[Finding]:
    """A body that is nearly another letter's in the same language. `bodies`: by their names."""
    own = _argued(examined.fields)
    for name, other in bodies.items():
        alike = likeness.of(own, _argued(other))
        if alike > COPIED:
            said = (
                f"it is {alike} % like the letter {name}; if it was copied, see that names,"
                " dates and the country are this one's own"
            )
            yield examined.told("body", said, serious=False)


def _argued(fields: LetterFields) -> frozenset[int]:
    """The windows of the body with its reasons: what a letter says about its country."""
    return likeness.windows("\n".join([fields.body, *(one.text for one in fields.reasons)]))


def _fits(variant: VariantFields, role: str, stage: str) -> bool:
    return (not variant.roles or role in variant.roles) and (
        not variant.stages or stage in variant.stages
    )


def _meet(one: VariantFields, other: VariantFields) -> bool:
    """Whether any letter could be drawn with either: else nobody ever compares them."""
    return all(
        not first or not second or set(first) & set(second)
        for first, second in ((one.stages, other.stages), (one.roles, other.roles))
    )


def _office(role: str) -> str:
    return {"defence": "defence minister", "foreign": "foreign minister"}.get(
        role, role.replace("_", " ")
    )


def _offices(roles: list[str]) -> str:
    return ", the ".join(map(_office, roles))
