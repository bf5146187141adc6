"""The admins' pages about people: who is here, invite, reset, switch off, delete."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from jupyterhub import orm
from jupyterhub.scopes import needs_scope
from jupyterhub.user import User
from tornado.web import HTTPError, authenticated

from machinelabs_hub.auth.accounts import Account
from machinelabs_hub.auth.deletion import Choice
from machinelabs_hub.auth.links import RESET_HOURS
from machinelabs_hub.auth.page import Page
from machinelabs_hub.auth.sessions import end_everything, stop_servers
from machinelabs_hub.names import shown

PAGE_SIZE: Final = 100
LONGEST_NUMBER: Final = 7


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was just done, and the link that came of it, shown once."""

    sentence: str
    link: str = ""


class PeoplePage(Page):
    """Everybody, and the invitations that still work."""

    @authenticated
    @needs_scope("admin:users")
    async def get(self) -> None:
        """Show them."""
        await self.show_people()

    async def show_people(
        self, *, error: HTTPError | None = None, outcome: Outcome | None = None
    ) -> None:
        """Show the page, with what was just done."""
        wanted = self.get_query_argument("q", "").strip().lower()
        number = self.get_query_argument("page", "0")
        page = int(number) if number.isdecimal() and len(number) < LONGEST_NUMBER else 0
        query = self.db.query(orm.User).order_by(orm.User.name)
        if wanted:
            query = query.filter(orm.User.name.contains(wanted, autoescape=True))
        rows = query.offset(page * PAGE_SIZE).limit(PAGE_SIZE + 1).all()
        accounts = await self.work(self.desk.accounts.list)
        has_passwords = self.authenticator.has_passwords
        await self.show(
            "people.html",
            error=error,
            outcome=outcome,
            people=[self._person(row, accounts.get(row.name)) for row in rows[:PAGE_SIZE]],
            wanted=wanted,
            page_number=page,
            has_more=len(rows) > PAGE_SIZE,
            invitations=await self.work(self.desk.invitations.list) if has_passwords else [],
            group_names=sorted(name for (name,) in self.db.query(orm.Group.name)),
            has_passwords=has_passwords,
            default_days=self.site.auth.local.invitation_days,
            reset_hours=RESET_HOURS,
        )

    def _person(self, row: Any, account: Account | None) -> dict[str, Any]:
        running = [server for server in row.orm_spawners.values() if server.server]
        return {
            "name": row.name,
            "display_name": account.display_name if account else "",
            "is_admin": row.admin,
            "is_me": row.name == self.current_user.name,
            "has_account": account is not None,
            "is_disabled": bool(account and account.is_disabled),
            "groups": sorted(group.name for group in row.groups),
            "last_seen": last_seen(row.last_activity, account),
            "running": len(running),
        }


class PeopleAction(PeoplePage):
    """One change to people, then the page again."""

    @authenticated
    @needs_scope("admin:users")
    async def post(self, action: str) -> None:
        """Do what the address says with the fields of the form."""
        actions = {
            "invite": self._invite,
            "withdraw": self._withdraw,
            "reset": self._reset,
            "disable": self._disable,
            "enable": self._enable,
        }
        if not self.authenticator.has_passwords:
            raise HTTPError(409, "This site has no accounts of its own to change.")
        try:
            outcome = await actions[action]()
        except HTTPError as error:
            await self.show_people(error=error)
            return
        await self.show_people(outcome=outcome)

    @authenticated
    async def get(self, _action: str) -> None:
        """Go to the page: somebody reloaded the address of a form."""
        self.redirect(f"{self.hub.base_url}people")

    async def _invite(self) -> Outcome:
        by = self.current_user.name
        name, group = self.text("name").lower(), self.text("group")
        uses, days = self.number("uses", 1), self.number("days", 0)
        create = self.desk.invitations.create
        token = await self.work(lambda: create(by=by, name=name, group=group, uses=uses, days=days))
        self.log.info("%s made an invitation", by)
        whose = f"for {name}" if name else "for whoever gets it"
        link = self.address_of(f"signup?code={token}")
        return Outcome(f"Invitation {whose}", link=link)

    async def _withdraw(self) -> Outcome:
        number = self.number("invitation", 0)
        await self.work(lambda: self.desk.invitations.withdraw(number))
        return Outcome("The invitation does not work any more.")

    async def _reset(self) -> Outcome:
        user, by = self._whom(), self.current_user.name
        token = await self.work(lambda: self.desk.resets.create(user.name, by=by))
        self.log.info("%s made a password link for %s", by, user.name)
        link = self.address_of(f"password?code={token}")
        return Outcome(f"Password link for {user.name}", link=link)

    async def _disable(self) -> Outcome:
        user = self._whom()
        if user.name == self.current_user.name:
            raise HTTPError(409, "You cannot switch your own account off. Ask another admin.")
        disable = self.desk.accounts.set_disabled
        await self.work(lambda: disable(user.name, is_disabled=True))
        end_everything(self.db, user)
        still = await stop_servers(self, user)
        self.log.info("%s switched the account of %s off", self.current_user.name, user.name)
        servers = "their servers are still stopping" if still else "their servers are stopped"
        return Outcome(f"{user.name} is signed out everywhere and cannot sign in; {servers}.")

    async def _enable(self) -> Outcome:
        user = self._whom()
        enable = self.desk.accounts.set_disabled
        await self.work(lambda: enable(user.name, is_disabled=False))
        self.log.info("%s switched the account of %s on", self.current_user.name, user.name)
        return Outcome(f"{user.name} can sign in again.")

    def _whom(self) -> User:
        return person(self, self.text("name"))


class DeletePage(Page):
    """Delete a person: first what it means, then the name typed, then it is done."""

    # `machinelabs-hub users delete` comes with the operator's token.
    _accept_token_auth = True

    @authenticated
    @needs_scope("admin:users")
    async def get(self, name: str) -> None:
        """Say what would happen."""
        await self._show(person(self, name))

    @authenticated
    @needs_scope("admin:users")
    async def post(self, name: str) -> None:
        """Stop their servers, put away labs and home, forget them."""
        user = person(self, name)
        try:
            await self._delete(user)
        except HTTPError as error:
            await self._show(user, error=error)
            return
        self.log.info("%s deleted %s", self.current_user.name, name)
        self.redirect(f"{self.hub.base_url}people")

    async def _delete(self, user: User) -> None:
        if user.name == self.current_user.name:
            raise HTTPError(409, "You cannot delete your own account. Ask another admin.")
        if self.text("typed") != user.name:
            raise HTTPError(422, f"Type the name “{user.name}” to delete this person.")
        if await stop_servers(self, user):
            raise HTTPError(409, "A server is still stopping. Wait a little, then try again.")
        self.authenticator.choices[user.name] = Choice(
            keeps_labs=self.text("labs") == "keep", keeps_home=self.text("home") != "remove"
        )
        await self.authenticator.delete_user(user)
        await user.delete_spawners()
        self.users.delete(user)

    async def _show(self, user: User, *, error: HTTPError | None = None) -> None:
        running = [spawner for spawner in user.spawners.values() if spawner.active]
        await self.show(
            "delete_person.html",
            error=error,
            person_name=user.name,
            running=len(running),
            is_me=user.name == self.current_user.name,
            can_remove_home=self.authenticator.remove_home is not None,
            labs_choice=self.text("labs") or "trash",
            home_choice=self.text("home") or "keep",
        )


def last_seen(activity: datetime | None, account: Account | None) -> datetime | None:
    """Return when somebody was last here; JupyterHub's own time has no zone and is UTC."""
    times = [activity.replace(tzinfo=UTC)] if activity else []
    if account and account.signed_in_at:
        times.append(account.signed_in_at)
    return max(times, default=None)


def person(page: Page, name: str) -> User:
    """Return the person called `name`.

    Raises:
        HTTPError: there is none.
    """
    user = page.find_user(name)
    if user is None:
        raise HTTPError(404, f"There is nobody called “{shown(name)}” here.")
    return user


HANDLERS: list[tuple[str, type]] = [
    (r"/people", PeoplePage),
    (r"/people/(invite|withdraw|reset|disable|enable)", PeopleAction),
    (r"/people/([^/]+)/delete", DeletePage),
]
