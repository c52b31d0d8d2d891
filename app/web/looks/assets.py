"""Style sheets and drawings: read once, and served under a name that changes when they change."""

import mimetypes
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter, Request, Response

from app.errors import Missing
from app.settings import Settings
from app.web.looks import logo, picture, theme

FOLDER = Path(__file__).parent.parent / "static"
STYLES = {"light": "not all", "dark": "all"}  # what becomes of the rules for the night
A_DAY = "public, max-age=86400"
FOR_EVER = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Asset:
    content: bytes
    media_type: str
    digest: str


class Assets:
    """Every file of the static folder, and the style sheet made from the settings."""

    def __init__(self, settings: Settings) -> None:
        themed = theme.style_sheet(settings.accent_colour).encode()
        mark = logo.read(settings.logo)
        self.logo = next(iter(mark), "")
        own = {"theme.css": themed, "icon.svg": theme.icon(settings.accent_colour).encode()}
        own["icon.ico"] = picture.icon(settings.accent_colour, 48, "ICO")
        own["icon.png"] = picture.icon(settings.accent_colour, 180, "PNG")
        own |= mark | _styled(themed, "theme.css")
        self._assets = _shipped() | {name: _asset(name, content) for name, content in own.items()}

    def url(self, name: str) -> str:
        """The address of a file, with its content's digest in it. KeyError: there is no such."""
        return f"/static/{self._assets[name].digest}/{name}"

    def find(self, name: str) -> Asset | None:
        return self._assets.get(name)


@cache
def _shipped() -> dict[str, Asset]:
    """The files of the static folder, the same whatever the settings say."""
    files = {
        path.relative_to(FOLDER).as_posix(): path.read_bytes()
        for path in FOLDER.rglob("*")
        if path.is_file()
    }
    files |= _styled(files["site.css"], "site.css")
    return {name: _asset(name, content) for name, content in files.items()}


def _styled(sheet: bytes, name: str) -> dict[str, bytes]:
    """The sheet by day and by night only, whatever the reader's device says: for the frames on
    partners' pages, which know better how they look."""
    at_night = b"(prefers-color-scheme:dark)"
    sheet = sheet.replace(b"(prefers-color-scheme: dark)", at_night)
    return {
        f"{style}/{name}": sheet.replace(at_night, rules.encode()).replace(
            b"color-scheme: light dark", f"color-scheme: {style}".encode()
        )
        for style, rules in STYLES.items()
    }


def _asset(name: str, content: bytes) -> Asset:
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Asset(content, media_type, sha256(content).hexdigest()[:12])


@router.get("/favicon.ico")
async def favicon(request: Request) -> Response:
    """Under the name that is asked for wherever no page names another."""
    return _by_old_name(request, "icon.ico", "image/x-icon")


@router.get("/apple-touch-icon.png")
async def touch_icon(request: Request) -> Response:
    return _by_old_name(request, "icon.png", "image/png")


def _by_old_name(request: Request, name: str, media_type: str) -> Response:
    found = request.app.state.assets.find(name)
    headers = {"Cache-Control": A_DAY}
    return Response(found.content, media_type=media_type, headers=headers)


@router.get("/static/{digest}/{name:path}")
async def show(request: Request, digest: str, name: str) -> Response:
    assets: Assets = request.app.state.assets
    asset = assets.find(name)
    if asset is None:
        raise Missing("file", name)
    # another digest: a page of the version before, still open somewhere
    caching = FOR_EVER if digest == asset.digest else "no-cache"
    return Response(asset.content, media_type=asset.media_type, headers={"Cache-Control": caching})
