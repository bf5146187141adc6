"""The page of the Hub that ours about people build on."""

from collections.abc import Callable
from typing import Any, TypeVar

from jupyterhub.handlers.base import BaseHandler
from tornado.web import HTTPError

from machinelabs_hub.auth.desk import Desk
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import Addresses

T = TypeVar("T")


class Page(BaseHandler):
    """A page with the site's tools at hand. A failed form comes back with the sentence."""

    @property
    def desk(self) -> Desk:
        """The site's tools."""
        return self.authenticator.desk

    @property
    def site(self) -> Settings:
        """The site's settings."""
        return self.desk.settings

    def set_default_headers(self) -> None:
        """Keep the tokens in our links from other sites."""
        super().set_default_headers()
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")

    def address_of(self, path: str) -> str:
        """Return the address that people use for a Hub page."""
        return f"{Addresses(self.site).hub}{self.hub.base_url}{path}"

    def text(self, field: str) -> str:
        """Return what was sent as `field`, without blanks around it."""
        return self.get_body_argument(field, "").strip()

    def number(self, field: str, default: int) -> int:
        """Return the whole number that was sent as `field`.

        Raises:
            HTTPError: it is none.
        """
        text = self.text(field)
        try:
            return int(text) if text else default
        except ValueError:
            raise HTTPError(422, f"“{field}” is a whole number.") from None

    async def work(self, job: Callable[[], T]) -> T:
        """Return what `job` returns, run on a thread."""
        return await self.authenticator.work(job)

    async def show(self, template: str, *, error: HTTPError | None = None, **values: Any) -> None:
        """Answer with a page, and with the sentence of `error` on it."""
        if error is not None:
            self.set_status(error.status_code)
        message = error.get_message() if error else ""
        self.finish(await self.render_template(template, error=message, **values))
