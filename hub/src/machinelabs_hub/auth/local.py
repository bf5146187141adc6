"""Sign in with an account of this site's own."""

from typing import Any as AnyValue

from jupyterhub.user import User
from tornado.web import HTTPError, RequestHandler

from machinelabs_hub.auth.site import SiteAuthenticator
from machinelabs_hub.sites import Files


class AccountsAuthenticator(SiteAuthenticator):
    """Accounts kept in the site's database, made by invitation."""

    has_passwords = True

    def check_allow_config(self) -> None:
        """Make the first admin's account, at the Hub's start."""
        super().check_allow_config()
        password = Files(self.settings.data).secret("admin_password")
        self.desk.accounts.ensure(self.settings.site.admin, password)

    async def authenticate(
        self, handler: RequestHandler, data: dict[str, str]
    ) -> dict[str, AnyValue]:
        """Return the person whose name and password were sent.

        Raises:
            HTTPError: with the sentence for the form.
        """
        name = self.normalize_username(data.get("username", ""))
        password = data.get("password", "")
        if not name or not password:
            raise HTTPError(400, "Enter your user name and your password.")
        address = self.visitor(handler.request)
        sign_in = self.desk.accounts.sign_in
        account = await self.work(lambda: sign_in(name, password, address=address))
        shown = {"display_name": account.display_name} if account.display_name else {}
        return {"name": account.name, "user_info": shown}

    async def refresh_user(
        self, user: User, _handler: RequestHandler | None = None
    ) -> bool | dict[str, AnyValue]:
        """Whether the person is still to be let in."""
        account = await self.work(lambda: self.desk.accounts.find(user.name))
        return account is None or not account.is_disabled

    async def pre_spawn_start(self, user: User, _spawner: AnyValue) -> None:
        """Refuse to start a server for somebody who is switched off, whoever asks."""
        account = await self.work(lambda: self.desk.accounts.find(user.name))
        if account is not None and account.is_disabled:
            raise HTTPError(403, f"The account “{user.name}” is switched off.")
