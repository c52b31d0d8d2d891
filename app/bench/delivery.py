"""Letters a second beside smtp-source, django-post_office and nodemailer, in the same rounds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from app.bench import sending
from app.bench.ground import postfix
from app.bench.ground.databases import room
from app.bench.ground.postfix import Postfix
from app.bench.ground.processes import CannotMeasure
from app.bench.peers import DjangoPostOffice, Nodemailer, Peer
from app.bench.sending import Prepared, Round
from app.bench.table import Line

SHARE = 5  # peers send one letter for so many of ours
# of smtp-source, by database and workers: at least, and what is aimed at
GOALS = {
    ("sqlite", 1): (0.40, 0.60),
    ("postgresql", 1): (0.40, 0.60),
    ("postgresql", 2): (0.60, 0.85),
}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is measured: the database, letters of a run, worker processes, rounds, peers."""

    kind: str
    letters: int
    workers: int
    rounds: int
    peers: bool


@dataclass
class Beside:
    """A peer, and for each round its speed and how many times as fast ours was."""

    peer: Peer
    speeds: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)

    def run(self, prepared: Prepared, tools: Postfix, ours: float) -> None:
        speed = self.peer.speed(tools, prepared.samples, max(10, prepared.letters // SHARE))
        self.speeds.append(speed)
        self.ratios.append(ours / speed)

    @property
    def line(self) -> Line:
        least, aim = self.peer.goal
        ratio = median(self.ratios)
        return Line(
            what=f"ours to {self.peer.name}",
            measured=median(self.speeds),
            unit="letters/s",
            ratio=ratio,
            goal=f"≥ {least}, aim {aim}",
            met=ratio >= least,
        )


async def measure(folder: Path, plan: Plan, say: Say) -> list[Line]:
    """What `bench delivery` prints. Raises CannotMeasure where ours cannot be measured."""
    say("setting up Postfix's smtp-sink and smtp-source")
    tools = postfix.set_up(folder)
    with room(plan.kind, folder) as place:
        say(f"writing {plan.letters:,} letters into an outbox on {plan.kind}")
        prepared = await sending.prepare(place, plan.letters)
        beside: list[Beside] = []
        if plan.peers:
            candidates = Nodemailer(folder), DjangoPostOffice(folder, await place.empty())
            beside = [Beside(one) for one in candidates if _is_ready(one, say)]
        found: list[Round] = []
        for number in range(plan.rounds):
            one = await sending.one_round(prepared, tools, workers=plan.workers)
            found.append(one)
            say(
                f"round {number + 1} of {plan.rounds}: {one.speed:,.0f} letters/s,"
                f" {one.ratio:.2f} of smtp-source"
            )
            beside = [peer for peer in beside if _ran(peer, prepared, tools, one.speed, say)]
    return [*_lines(plan, prepared, found), *(one.line for one in beside)]


def _is_ready(peer: Peer, say: Say) -> bool:
    try:
        say(f"setting up {peer.name}")
        peer.set_up()
    except CannotMeasure as reason:
        say(f"going on without it: {reason}")
        return False
    return True


def _ran(beside: Beside, prepared: Prepared, tools: Postfix, ours: float, say: Say) -> bool:
    try:
        beside.run(prepared, tools, ours)
    except CannotMeasure as reason:
        say(f"going on without {beside.peer.name}: {reason}")
        return False
    say(f"{beside.peer.name}: {beside.speeds[-1]:,.0f} letters/s, 1 to {beside.ratios[-1]:.1f}")
    return True


def _lines(plan: Plan, prepared: Prepared, found: list[Round]) -> list[Line]:
    ratio = median(one.ratio for one in found)
    least, aim = GOALS.get((plan.kind, plan.workers), (None, None))
    workers = "one worker" if plan.workers == 1 else f"{plan.workers} workers"
    source = f"smtp-source -d -s {postfix.SESSIONS} -m {plan.letters} -l {prepared.size}"
    return [
        Line(
            what=f"{plan.letters:,} letters on {plan.kind}, {workers}: to smtp-source",
            measured=median(one.speed for one in found),
            unit="letters/s",
            ratio=ratio,
            goal=f"≥ {least:.2f}, aim {aim:.2f}" if least and aim else "",
            met=ratio >= least if least else None,
        ),
        Line(what=source, measured=median(one.source for one in found), unit="messages/s"),
        Line(
            what="processor time of the worker",
            measured=median(one.cost for one in found) * 1e6,
            unit="µs/letter",
        ),
    ]
