"""`/hub/look`: the look of the Hub's pages, as files that browsers keep.

JupyterHub serves only its own files and takes further pages from its authenticator alone.
"""

from pathlib import Path
from typing import Final

from jupyterhub._data import DATA_FILES_PATH
from tornado.web import HTTPError, RequestHandler

from machinelabs_hub.theme.assets import THEME, Assets

_PARTS: Final = Path(DATA_FILES_PATH) / "static/components"
"""What JupyterHub ships and gives file by file, unpacked; with us they are one packed file."""

ASSETS: Final = Assets(
    {
        "site.css": (
            _PARTS / "bootstrap/dist/css/bootstrap.min.css",
            THEME / "tokens.css",
            THEME / "ml.css",
        ),
        "parts.js": (
            _PARTS / "bootstrap/dist/js/bootstrap.bundle.min.js",
            _PARTS / "requirejs/require.js",
            _PARTS / "jquery/dist/jquery.min.js",
        ),
        "site.js": (THEME / "ml.js",),
        "favicon.svg": (THEME / "favicon.svg",),
    }
)
ADDRESS: Final = f"/hub/look/{ASSETS.version}"


class LookFile(RequestHandler):
    """One file of the look."""

    def get(self, version: str, name: str) -> None:
        """Give it, packed where the browser takes it so."""
        asset = ASSETS.find(name)
        if asset is None:
            raise HTTPError(404)
        packs = "gzip" in self.request.headers.get("Accept-Encoding", "")
        for header, value in ASSETS.headers(version, packs=packs).items():
            self.set_header(header, value)
        self.set_header("Content-Type", asset.kind)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.finish(asset.packed if packs else asset.content)


HANDLERS: list[tuple[str, type]] = [(r"/look/([0-9a-f]+)/([a-z]+\.[a-z]+)", LookFile)]
