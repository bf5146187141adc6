"""Sign in with an account of this site's own."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any as AnyValue
from typing import Final

from jupyterhub.auth import Authenticator
from tornado.web import HTTPError, RequestHandler
from traitlets import Any

from machinelabs_hub.auth.accounts import Accounts
from machinelabs_hub.db.base import Base
from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.errors import BadInput, MachineLabsError
from machinelabs_hub.names import check_person_name
from machinelabs_hub.sites import Files, database_url

# Two at once: each check of a password takes 64 MiB and a core for a while.
_THREADS: Final = 2


class AccountsAuthenticator(Authenticator):
    """Accounts kept in the site's database, made by invitation."""

    settings: AnyValue = Any(help="The site's settings.").tag(config=True)

    def __init__(self, **kwargs: AnyValue) -> None:
        super().__init__(**kwargs)
        engine = open_engine(database_url(self.settings))
        Base.metadata.create_all(engine)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="accounts")
        self.accounts = Accounts(sessions=session_maker(engine), rule=self.settings.auth.local)
        self.accounts.ensure(
            self.settings.site.admin, Files(self.settings.data).secret("admin_password")
        )

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
            raise HTTPError(400, "Enter your name and your password.")
        address = handler.request.remote_ip or ""
        try:
            account = await asyncio.get_running_loop().run_in_executor(
                self._threads, lambda: self.accounts.sign_in(name, password, address=address)
            )
        except MachineLabsError as error:
            raise HTTPError(error.status, str(error)) from error
        return {"name": account.name, "user_info": {"display_name": account.display_name}}

    def validate_username(self, username: str) -> bool:
        """Whether a person may be called so."""
        try:
            check_person_name(username)
        except BadInput:
            return username == self.settings.site.admin
        return True
