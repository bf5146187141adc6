"""What JupyterLab over a run lacks: files to give out, and a place to keep settings and layouts.

Any place of the container's would be the run's code's too, and what it wrote there would be the
page that its person sees. So nothing is read, and what the page saves is forgotten with the page.
"""

# Jupyter gives most of this no types, and its bases differ from what they are derived from.
# mypy: disable-error-code="misc, override, attr-defined, no-untyped-call"

import re
from typing import Any, Final

import tornado.web
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from tornado.httputil import HTTPServerRequest
from tornado.routing import PathMatches, Rule

NOWHERE: Final = "/dev/null/jupyterlab"
"""Nobody can make it, root neither: what it would be in is no folder."""


class Absent(JupyterHandler):
    """An address with nothing behind it."""

    @tornado.web.authenticated
    def get(self, *_: Any) -> None:
        """Say so."""
        raise tornado.web.HTTPError(404, "There is nothing here but the run's notebook.")


class Forget(APIHandler):
    """Takes what the page wants to have kept, so that it does not complain."""

    @tornado.web.authenticated
    def put(self, *_: Any) -> None:
        """Forget it."""
        self.set_status(204)


class _Saving(PathMatches):
    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Match what saves; what reads goes on to JupyterLab itself."""
        return super().match(request) if request.method == "PUT" else None


def lacks(app: tornado.web.Application, base: str) -> None:
    """Answer for what is not there, before anything else can."""
    at = re.escape(base)
    saving = Rule(_Saving(rf"{at}lab/api/(settings|workspaces)/.*"), Forget)
    app.default_router.rules.insert(0, saving)
    app.add_handlers(".*$", [(rf"{at}(?:files/.*|favicon\.ico|robots\.txt)", Absent)])
