"""What was downloaded for a peer is kept until other versions are wanted."""

import hashlib
import shutil
from pathlib import Path


def is_new(home: Path, files: list[Path]) -> bool:
    """Whether other versions are wanted than those that are there; then the place is empty."""
    stamp = home / "stamp"
    if stamp.exists() and stamp.read_text() == _digest(files):
        return False
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    return True


def note(home: Path, files: list[Path]) -> None:
    (home / "stamp").write_text(_digest(files))


def _digest(files: list[Path]) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
