"""`machinelabs/open?lab=owner/name`: lay a lab's files, then show its notebook.

The hub sends people here once their server runs. It changes files, so a page of someone else
must not be able to ask for it unseen: only a navigation of the whole window that came from this
site is obeyed at once; for anything else a page with a button asks.
"""

import asyncio
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit

import jinja2
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado.web import authenticated

from jupyterlab_machinelabs.opening import Opened
from jupyterlab_machinelabs.web import Tools, status_of
from machinelabs.errors import BadInput, HubError
from machinelabs.hub import split
from machinelabs.paths import fault_of

PAGES: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("jupyterlab_machinelabs"), autoescape=True
)


def came_from_here(headers: Mapping[str, str], *, own: str) -> bool:
    """Whether the browser says that a page of this site moved the whole window here.

    Args:
        headers: of the request.
        own: the labs pages' address; its scheme, host and port are the site's.
    """
    mode = headers.get("Sec-Fetch-Mode")
    if mode is not None:
        return (
            mode == "navigate"
            and headers.get("Sec-Fetch-Dest") == "document"
            and headers.get("Sec-Fetch-Site") in {"same-origin", "same-site", "none"}
        )
    # Browsers leave these headers out over plain http; then only the page before can vouch.
    return bool(own) and urlsplit(headers.get("Referer", ""))[:2] == urlsplit(own)[:2]


class OpenPage(JupyterHandler):
    """Lay a lab's files and go to its notebook."""

    auth_resource = "machinelabs"
    tools: Tools

    def initialize(self, tools: Tools) -> None:
        self.tools = tools

    @authenticated
    @authorized
    async def get(self) -> None:
        if came_from_here(self.request.headers, own=self.tools.config.public_url):
            await self._open()
        else:
            self._ask()

    @authenticated
    @authorized
    async def post(self) -> None:
        await self._open()

    async def _open(self) -> None:
        try:
            opened = await asyncio.get_running_loop().run_in_executor(self.tools.threads, self._lay)
        except HubError as error:
            self.log.info("Cannot open a lab: %s", error)
            self._fail(error)
            return
        self.redirect(url_path_join(self.base_url, "lab/tree", quote(opened.path)))

    def _lay(self) -> Opened:
        lab, path = self._asked()
        return self.tools.opening.open(lab, path)

    def _asked(self) -> tuple[str, str]:
        lab, path = self.get_query_argument("lab", ""), self.get_query_argument("path", "")
        split(lab)
        if path and (fault := fault_of(path)):
            raise BadInput(fault)
        return lab, path

    def _ask(self) -> None:
        try:
            lab, _ = self._asked()
        except HubError as error:
            self._fail(error)
            return
        self._page("ask.html", lab=lab, name=split(lab)[1])

    def _fail(self, error: HubError) -> None:
        self.set_status(status_of(error))
        self._page("failed.html", sentence=str(error), lab=self.get_query_argument("lab", ""))

    def _page(self, template: str, **values: str) -> None:
        self.set_header("Cache-Control", "no-store")
        self.finish(
            PAGES.get_template(template).render(
                values,
                again=self.request.uri,
                xsrf=self.xsrf_token.decode(),
                jupyterlab=url_path_join(self.base_url, "lab"),
                labs=self.tools.config.public_url,
            )
        )
