"""What a worker holds: claimed, and not yet written down; and until when each is surely its own.

A worker renews what is in its hands and nothing else. A letter that only the database believes to
be there (the answer to a commit was lost, a row that cannot be settled) runs out of its lease.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.delivery.outcome import Work
from app.models import Letter, Notice
from app.outbox import claims
from app.outbox.claims import Claim


class Holding:
    """The works of one worker, each the very object that was claimed: a letter that was lost and
    claimed again is another work."""

    def __init__(self, worker: str, lease: timedelta) -> None:
        self.worker, self.lease = worker, lease
        self._least = lease / 4
        self._works: dict[int, Work] = {}
        self._until: dict[int, datetime] = {}

    def __len__(self) -> int:
        return len(self._works)

    def take(self, works: Iterable[Work], until: datetime) -> None:
        """These were claimed, and are surely ours until that moment."""
        for work in works:
            self._works[id(work)] = work
            self._until[id(work)] = until

    def drop(self, works: Iterable[Work]) -> None:
        """These are written down, or given back."""
        for work in works:
            self._works.pop(id(work), None)
            self._until.pop(id(work), None)

    async def renew(self, session: AsyncSession) -> dict[int, datetime]:
        """Hold on to what is still ours; gives until when, for `renewed` after the commit."""
        works = list(self._works.values())
        letters = [work for work in works if isinstance(work, Claim)]
        others = [work for work in works if not isinstance(work, Claim)]
        return {
            **await self._renew(session, Letter, letters),
            **await self._renew(session, Notice, others),
        }

    def renewed(self, until: dict[int, datetime]) -> None:
        """What was lost meanwhile is not to be begun."""
        self._until |= {key: moment for key, moment in until.items() if key in self._until}

    def nearly_out(self, work: Work) -> bool:
        """Whether another worker may soon believe us lost, and send it too."""
        return self._until[id(work)] - clock.now() < self._least

    async def _renew(
        self, session: AsyncSession, table: type[Letter | Notice], works: Iterable[Work]
    ) -> dict[int, datetime]:
        now = clock.now()
        rows = {id(work): _row(work) for work in works}
        ids = [row.id for row in rows.values()]
        ours = await claims.renew(session, table, self.worker, ids, self.lease)
        return {
            key: now + self.lease if (row.id, row.attempts) in ours else now
            for key, row in rows.items()
        }


def _row(work: Work) -> Letter | Notice:
    return work.letter if isinstance(work, Claim) else work.notice
