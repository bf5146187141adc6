"""Who comes into JupyterLab over a run: whoever brought a key, by a cookie of this process."""

# Jupyter gives most of this no types, and its bases differ from what they are derived from.
# mypy: disable-error-code="misc, override, attr-defined, no-untyped-call"

from typing import Any, Final

import tornado.web
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.base.handlers import JupyterHandler

from machinelabs.runner.door import Keys

COOKIE: Final = "machinelabs-run"
COOKIE_DAYS: Final = 1
CLOSED: Final = (
    "<!doctype html><title>Not signed in</title><p>This run is opened from its own page on the "
    "site, by the person who started it. Go there, and choose <b>Look into it</b> again.</p>"
)


class Gate(IdentityProvider):
    """Knows whoever brought a key by a cookie."""

    cookie_name = COOKIE
    cookie_options = {"samesite": "Lax", "expires_days": COOKIE_DAYS}  # noqa: RUF012
    get_secure_cookie_kwargs = {"max_age_days": COOKIE_DAYS}  # noqa: RUF012
    token = "none"  # noqa: S105 - never compared with anything: see `get_token`

    def get_token(self, handler: tornado.web.RequestHandler) -> None:  # noqa: ARG002
        """Find no token: there is none."""
        return

    def get_handlers(self) -> list[Any]:
        """Return no pages for signing in with a password."""
        return []


class Enter(JupyterHandler):
    """`…/door?key=`: a key for a cookie."""

    def initialize(self, keys: Keys, gate: Gate, onward: str) -> None:
        """Take what it works with."""
        self.keys, self.gate, self.onward = keys, gate, onward

    @allow_unauthenticated
    async def get(self) -> None:
        """Let in, once."""
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        if not await self.keys.wait_for(self.get_query_argument("key", "")):
            self.set_status(403)
            self.finish(CLOSED)
            return
        self.gate.set_login_cookie(self, User(username="person", name="You", display_name="You"))
        self.redirect(self.onward)


class Shut(JupyterHandler):
    """Where JupyterLab sends whoever is not signed in."""

    @allow_unauthenticated
    def get(self) -> None:
        """Say where to go."""
        self.set_status(403)
        self.finish(CLOSED)
