"""What SpamAssassin, where it is installed, thinks of a finished message."""

import asyncio
import re
import shutil
import subprocess
from email.message import EmailMessage
from email.policy import SMTP

from app.wording.render import LetterText

PATIENCE = 20.0  # seconds; its first rules take a few to be read

_score = re.compile(rb"^X-Spam-Status:.*?\bscore=(-?\d+(?:\.\d+)?)", re.M | re.S)


def is_installed() -> bool:
    return shutil.which("spamassassin") is not None


def message(text: LetterText) -> bytes:
    """A finished letter as a message, from and to nobody."""
    made = EmailMessage(policy=SMTP)
    made["From"] = "Sample Supporter <letters@example.org>"
    made["To"] = "office@example.org"
    made["Subject"] = " ".join(text.subject.split())
    made.set_content(text.body)
    return bytes(made)


async def spam_score(message: bytes) -> float | None:
    """The score of a message, 5 and above is held for unwanted; None where nobody can tell.

    It runs on this machine and asks nobody else (`-L`).
    """
    program = shutil.which("spamassassin")
    return await asyncio.to_thread(_asked, program, message) if program else None


def _asked(program: str, message: bytes) -> float | None:
    try:
        done = subprocess.run(  # noqa: S603 (the program found on the path; the message is its input)
            [program, "-L", "-t"], input=message, capture_output=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _score.search(done.stdout)
    return float(found[1]) if found else None
