"""Style sheets and scripts: read once, joined, packed, and kept by browsers for ever.

Their address holds a hash of what they are, so a new version has a new address.
"""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from machinelabs_hub import theme
from machinelabs_hub.labs.pages.missing import NoPage

_STATIC: Final = Path(__file__).parent.parent / "static"
_THEME: Final = Path(theme.__file__).parent

_SOURCES: Final = {
    "site.css": (
        _STATIC / "bootstrap.min.css",
        _THEME / "tokens.css",
        _THEME / "ml.css",
        _STATIC / "labs.css",
    ),
    "site.js": (_STATIC / "htmx.min.js", _THEME / "ml.js", _STATIC / "labs.js"),
    "scheme.js": (_THEME / "scheme.js",),
    "icons.svg": (_STATIC / "icons.svg",),
    "favicon.svg": (_THEME / "favicon.svg",),
}
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file for browsers."""

    name: str
    kind: str
    content: bytes
    packed: bytes


def _read() -> dict[str, Asset]:
    found = {}
    for name, sources in _SOURCES.items():
        content = b"\n".join(source.read_bytes() for source in sources)
        packed = gzip.compress(content, mtime=0)
        found[name] = Asset(name, _TYPES[Path(name).suffix], content, packed)
    return found


ASSETS: Final = _read()
VERSION: Final = hashlib.sha256(b"".join(asset.content for asset in ASSETS.values())).hexdigest()[
    :12
]

router = APIRouter()


def address(base: str, name: str) -> str:
    """Return where browsers find the asset called `name`; `base` is the labs' own address."""
    return f"{base}/static/{VERSION}/{name}"


@router.get("/static/{version}/{name}", include_in_schema=False)
def give_asset(version: str, name: str, request: Request) -> Response:
    """Give an asset; an old address gives the present one, but is not kept."""
    asset = ASSETS.get(name)
    if asset is None:
        raise NoPage
    packs = "gzip" in request.headers.get("accept-encoding", "")
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable"
        if version == VERSION
        else "no-cache",
        "Vary": "Accept-Encoding",
    }
    if packs:
        headers["Content-Encoding"] = "gzip"
    return Response(
        asset.packed if packs else asset.content, headers=headers, media_type=asset.kind
    )
