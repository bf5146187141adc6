"""Sign in with one password that everybody shares, for a workshop of a day."""

from typing import Any as AnyValue

from jupyterhub.authenticators.shared import SharedPasswordAuthenticator
from tornado.web import HTTPError, RequestHandler

from machinelabs_hub.auth.site import SiteAuthenticator
from machinelabs_hub.errors import BadInput
from machinelabs_hub.names import check_person_name


class WorkshopAuthenticator(SiteAuthenticator, SharedPasswordAuthenticator):
    """JupyterHub's shared password, with our names, our pause after failures, our words."""

    # The first admin's password is generated: 79 bits in fewer letters than JupyterHub asks for.
    _ADMIN_PASSWORD_MIN_LENGTH = 16

    async def authenticate(
        self, handler: RequestHandler, data: dict[str, str]
    ) -> dict[str, AnyValue]:
        """Return the person who knows the password.

        Raises:
            HTTPError: with the sentence for the form.
        """
        name, password = data.get("username", "").lower(), data.get("password", "")
        if not name or not password:
            raise HTTPError(400, "Enter a user name and the workshop's password.")
        address, failures = self.visitor(handler.request), self.desk.failures
        await self.work(lambda: failures.check(name, address=address))
        sent = {"username": name, "password": password}
        # JupyterHub compares in constant time, which Python does for ASCII alone.
        if password.isascii():
            found = await SharedPasswordAuthenticator.authenticate(self, handler, sent)
        else:
            found = None
        if found is None:
            await self.work(lambda: failures.add(name, address=address))
            raise HTTPError(403, "That is not the password. Ask who runs the workshop.")
        if name not in self.admin_users:
            self._check_name(name)
        return {"name": found["name"], "admin": found["admin"]}

    def _check_name(self, name: str) -> None:
        try:
            check_person_name(name)
        except BadInput as error:
            raise HTTPError(422, str(error).replace("%", "%%")) from error
