"""The organisation's own mark above the pages: a small file that can only be looked at."""

import re
from pathlib import Path

from app.errors import SettingsRefused

LARGEST = 200 * 1024  # bytes; every first visit carries it
PNG = b"\x89PNG\r\n\x1a\n"
# a drawing that acts, or asks another machine for something
ACTS = re.compile(
    r"<\s*(script|foreignobject|iframe|embed|object|!doctype|!entity)|\son\w+\s*=|javascript:"
    r"|href\s*=\s*[\"']?\s*(?!#|data:image/)[^\s\"'>]|url\(\s*[\"']?(?!#|data:)|@import",
    re.IGNORECASE,
)


def read(path: str) -> dict[str, bytes]:
    """The file under the name that pages know it by; nothing where none is set.

    Raises SettingsRefused for one that is not there, too large, no picture, or acts.
    """
    if not path.strip():
        return {}
    try:
        with Path(path.strip()).expanduser().open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as fault:
        raise SettingsRefused(
            f"ONE_EMAIL_LOGO: {path} cannot be read ({fault.strerror})"
        ) from fault
    if len(content) > LARGEST:
        raise SettingsRefused(f"ONE_EMAIL_LOGO: {path} is larger than {LARGEST // 1024} KB")
    if content.startswith(PNG):
        return {"logo.png": content}
    _check_drawing(path, content)
    return {"logo.svg": content}


def _check_drawing(path: str, content: bytes) -> None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = ""
    if not re.match(r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<svg[\s>]", text, re.DOTALL):
        raise SettingsRefused(f"ONE_EMAIL_LOGO: {path} is neither an SVG nor a PNG file")
    if found := ACTS.search(text):
        what = " ".join(found[0].split())[:40]
        raise SettingsRefused(
            f"ONE_EMAIL_LOGO: {path} does more than show a drawing (“{what}”): save it plain,"
            " without scripts and without what lies elsewhere"
        )
