"""Style sheets and scripts of the labs pages, in one file each: `theme.assets` says how."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from machinelabs_hub.labs.pages.missing import NoPage
from machinelabs_hub.theme.assets import THEME, Assets

_STATIC: Final = Path(__file__).parent.parent / "static"

ASSETS: Final = Assets(
    {
        "site.css": (
            _STATIC / "bootstrap.min.css",
            THEME / "tokens.css",
            THEME / "ml.css",
            _STATIC / "labs.css",
            _STATIC / "plots.css",
            _STATIC / "runs.css",
            _STATIC / "sweeps.css",
            _STATIC / "metrics.css",
            _STATIC / "datasets.css",
        ),
        "site.js": (_STATIC / "htmx.min.js", THEME / "ml.js", _STATIC / "labs.js"),
        "runs.js": (_STATIC / "runs.js",),
        "upload.js": (_STATIC / "chosen.js", _STATIC / "sending.js", _STATIC / "upload.js"),
        "digests.js": (_STATIC / "sha256.min.js", _STATIC / "digests.js"),
        "parquet.js": (_STATIC / "parquet.js",),
        "parquet_rows.js": (_STATIC / "hyparquet.min.js", _STATIC / "parquet_rows.js"),
        "scheme.js": (THEME / "scheme.js",),
        "icons.svg": (_STATIC / "icons.svg",),
        "favicon.svg": (THEME / "favicon.svg",),
    }
)

router = APIRouter()


def address(base: str, name: str) -> str:
    """Return where browsers find the asset called `name`; `base` is the labs' own address."""
    return f"{base}/static/{ASSETS.version}/{name}"


@router.get("/static/{version}/{name}", include_in_schema=False)
def give_asset(version: str, name: str, request: Request) -> Response:
    """Give an asset; an old address gives the present one, but is not kept."""
    asset = ASSETS.find(name)
    if asset is None:
        raise NoPage
    packs = "gzip" in request.headers.get("accept-encoding", "")
    return Response(
        asset.packed if packs else asset.content,
        headers=ASSETS.headers(version, packs=packs),
        media_type=asset.kind,
    )
