"""What every way to sign in shares: the pages about people, and how somebody is deleted."""

import asyncio
from collections.abc import Callable
from typing import Any as AnyValue
from typing import TypeVar

from jupyterhub.auth import Authenticator
from jupyterhub.user import User
from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError
from traitlets import Any, Instance, default

from machinelabs_hub.auth import account_pages, look, people_pages, renaming
from machinelabs_hub.auth.deletion import Choice, put_labs_away
from machinelabs_hub.auth.desk import Desk
from machinelabs_hub.auth.visitor import address_of
from machinelabs_hub.errors import BadInput, MachineLabsError
from machinelabs_hub.names import check_person_name

T = TypeVar("T")


class SiteAuthenticator(Authenticator):
    """An authenticator that knows the site it lets people into."""

    settings: AnyValue = Any(help="The site's settings.").tag(config=True)
    remove_home: AnyValue = Any(
        None,
        help="Called with a person's name (a coroutine function): removes their home for good.",
    ).tag(config=True)
    desk: AnyValue = Instance(Desk)

    has_passwords = False
    """Whether people have passwords of their own here."""

    @default("desk")
    def _open_desk(self) -> Desk:
        return Desk.open(self.settings)

    def __init__(self, **kwargs: AnyValue) -> None:
        super().__init__(**kwargs)
        self.choices: dict[str, Choice] = {}

    async def work(self, job: Callable[[], T]) -> T:
        """Return what `job` returns; it runs on a thread, since it may block.

        Raises:
            HTTPError: with the sentence of an error of ours.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self.desk.threads, job)
        except MachineLabsError as error:
            raise HTTPError(int(error.status), sentence(error)) from error

    def visitor(self, request: HTTPServerRequest) -> str:
        """Return the address that failures count for.

        Not tornado's `remote_ip`: that believes an `X-Real-IP` that anybody may send.
        """
        return address_of(
            request.headers.get_list("X-Forwarded-For"),
            peer=request.remote_ip or "",
            trusted=self.settings.site.trusted_proxies,
        )

    def get_handlers(self, app: AnyValue) -> list[tuple[str, type]]:
        """Return the handlers of the kind, and what is ours about people."""
        return [
            *super().get_handlers(app),
            *account_pages.HANDLERS,
            *people_pages.HANDLERS,
            *look.HANDLERS,
            *renaming.HANDLERS,
        ]

    def validate_username(self, username: str) -> bool:
        """Whether a person may be called so."""
        try:
            check_person_name(username)
        except BadInput:
            return False
        return True

    async def delete_user(self, user: User) -> None:
        """Put away what a person leaves, before JupyterHub forgets them.

        JupyterHub's own admin page and API come by here too; they say nothing about labs and
        home, so the labs go to the trash and the home stays.

        Raises:
            HTTPError: something could not be put away; nobody was deleted.
        """
        if any(spawner.active for spawner in user.spawners.values()):
            raise HTTPError(409, f"Stop all servers of “{user.name}” first, then delete them.")
        choice = self.choices.pop(user.name, Choice())
        try:
            await put_labs_away(self.settings, user.name, choice)
        except MachineLabsError as error:
            raise HTTPError(int(error.status), sentence(error)) from error
        if not choice.keeps_home:
            await self._remove_home(user.name)
        await self.work(lambda: self._forget(user.name, choice))
        super().delete_user(user)

    async def _remove_home(self, name: str) -> None:
        if self.remove_home is None:
            raise HTTPError(503, "This hub cannot remove homes now. Keep the home, or try later.")
        try:
            await self.remove_home(name)
        except MachineLabsError as error:
            raise HTTPError(int(error.status), sentence(error)) from error

    def _forget(self, name: str, choice: Choice) -> None:
        self.desk.former.keep(name, home_kept=choice.keeps_home, labs_kept=choice.keeps_labs)
        self.desk.accounts.remove(name)
        self.desk.identities.remove(name)


def sentence(error: MachineLabsError) -> str:
    """Return the error's sentence as tornado wants it: it formats the message with `%`."""
    return str(error).replace("%", "%%")
