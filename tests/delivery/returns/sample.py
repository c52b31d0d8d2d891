"""Made-up returned messages, as the usual mail servers write them, about one letter of ours."""

from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import Database
from app.models import Letter, LetterStatus
from app.outbox import queue
from tests.grounds.letters import make_alert, make_queued_letters

FOLDER = Path(__file__).parent / "samples"
NAMES = sorted(path.stem for path in FOLDER.glob("*.eml"))
ADDRESS = "letters+b-17-0123456789ab@letters.example"
MESSAGE_ID = "<5f1c0a7e9b2d4c6f8a1b3d5e7f90@letters.example>"


def raw(name: str, *, to: str = ADDRESS, message_id: str = MESSAGE_ID) -> bytes:
    """A sample, made to speak of another letter if asked."""
    text = (FOLDER / f"{name}.eml").read_bytes()
    text = text.replace(ADDRESS.encode(), to.encode())
    for old, new in ((MESSAGE_ID, message_id), (MESSAGE_ID.strip("<>"), message_id.strip("<>"))):
        text = text.replace(old.encode(), new.encode())
    return text.replace(b"\n", b"\r\n")


async def make_letter(
    database: Database, *, status: LetterStatus = LetterStatus.HANDED_OVER, **changes: object
) -> Letter:
    """One letter that got so far, to keep-the-treaty-0@example.org."""
    (letter,) = await make_letters(database, 1, status=status, **changes)
    return letter


async def make_letters(
    database: Database,
    n: int,
    *,
    status: LetterStatus = LetterStatus.HANDED_OVER,
    **changes: object,
) -> list[Letter]:
    """That many, all to the same office."""
    async with database.transaction() as session:
        ground = await make_alert(session, targets=1)
        letters = await make_queued_letters(session, n, ground=ground, **changes)  # type: ignore[arg-type]
        for letter in letters:
            await move(session, letter, LetterStatus.QUEUED, LetterStatus.SENDING)
            if status is not LetterStatus.SENDING:
                await move(session, letter, LetterStatus.SENDING, status)
    return letters


async def move(session: AsyncSession, letter: Letter, frm: LetterStatus, to: LetterStatus) -> None:
    await queue.move(session, [Letter.id == letter.id], frm=frm, to=to, by="test")
