"""Pages for one's own account: make it by invitation, its password, what it is."""

from typing import Any

from tornado.web import HTTPError, authenticated

from machinelabs_hub.auth.accounts import Account
from machinelabs_hub.auth.page import Page
from machinelabs_hub.auth.sessions import end_sessions, join_group
from machinelabs_hub.names import shown

LONGEST_NAME = 80


class SignUpPage(Page):
    """Make an account, with an invitation link or where sign-up is open."""

    async def get(self) -> None:
        """Show the form, or say why there is none."""
        if self.current_user:
            await self._show(code="", mode="signed_in")
            return
        await self._form(self.get_query_argument("code", ""))

    async def post(self) -> None:
        """Make the account, sign its person in."""
        code, name = self.text("code"), self.text("username").lower()
        password = self.get_body_argument("password", "", strip=False)
        try:
            account, group = await self._make(code, name, password)
        except HTTPError as error:
            await self._form(code, error=error, username=name)
            return
        await self.work(lambda: self.desk.former.give_back(account.name))
        user = await self.auth_to_user({"name": account.name, "groups": None})
        if group:
            join_group(self.db, user, group)
        self.set_login_cookie(user)
        self.log.info("%s made an account", account.name)
        self.redirect(self.get_next_url(user))

    async def _make(self, code: str, name: str, password: str) -> tuple[Account, str | None]:
        if not self.authenticator.has_passwords:
            raise HTTPError(404, "Accounts of this site are made where you sign in.")
        if code:
            invitation = await self.work(lambda: self.desk.invitations.find(code))
            self._check_unused(invitation.name or name, invited=invitation.name is not None)
            redeem = self.desk.invitations.redeem
            return await self.work(lambda: redeem(code, name=name, password=password))
        if not self.site.auth.local.open_signup:
            raise HTTPError(403, "Accounts are made by invitation. Ask an admin for a link.")
        self._check_unused(name, invited=False)
        sign_up, address = self.desk.accounts.sign_up, self.authenticator.visitor(self.request)
        return await self.work(lambda: sign_up(name, password, address=address)), None

    def _check_unused(self, name: str, *, invited: bool) -> None:
        # Somebody whom JupyterHub knows may have a home and servers; an admin gives them a link.
        if not invited and self.find_user(name):
            raise HTTPError(409, f"The name “{shown(name)}” is taken. Choose another.")

    async def _form(self, code: str, *, error: HTTPError | None = None, username: str = "") -> None:
        mode, invitation = "open", None
        if not self.authenticator.has_passwords:
            mode = "elsewhere"
        elif code:
            mode = "invited"
            try:
                invitation = await self.work(lambda: self.desk.invitations.find(code))
            except HTTPError as gone:
                mode, error = "gone", gone
        elif not self.site.auth.local.open_signup:
            mode = "closed"
        await self._show(
            code=code, mode=mode, invitation=invitation, username=username, error=error
        )

    async def _show(self, **values: Any) -> None:
        rule = self.site.auth.local
        await self.show("signup.html", shortest=rule.min_password_length, **values)


class PasswordPage(Page):
    """Set a new password with a link that an admin made."""

    async def get(self) -> None:
        """Show the form, or say that the link does not work any more."""
        await self._form(self.get_query_argument("code", ""))

    async def post(self) -> None:
        """Set the password; every session of before ends."""
        code = self.text("code")
        password = self.get_body_argument("password", "", strip=False)
        try:
            name = await self.work(lambda: self.desk.resets.use(code, password))
        except HTTPError as error:
            await self._form(code, error=error)
            return
        user = self.find_user(name)
        if user:
            end_sessions(self.db, user)
        await self._show(whose=name, is_done=True)

    async def _form(self, code: str, *, error: HTTPError | None = None) -> None:
        try:
            name = await self.work(lambda: self.desk.resets.find(code))
        except HTTPError as gone:
            await self._show(whose="", error=gone)
            return
        await self._show(whose=name, code=code, error=error)

    async def _show(self, **values: Any) -> None:
        rule = self.site.auth.local
        await self.show("password.html", shortest=rule.min_password_length, **values)


class AccountPage(Page):
    """One's own account."""

    @authenticated
    async def get(self) -> None:
        """Show it."""
        await self._show()

    @authenticated
    async def post(self) -> None:
        """Change the password or the full name, as `change` says."""
        changes = {"password": self._change_password, "display_name": self._change_name}
        change = changes.get(self.text("change"))
        if change is None or not self.authenticator.has_passwords:
            raise HTTPError(400, "There is nothing to change by this form.")
        try:
            done = await change()
        except HTTPError as error:
            await self._show(error=error)
            return
        await self._show(done=done)

    async def _change_password(self) -> str:
        old = self.get_body_argument("old", "", strip=False)
        new = self.get_body_argument("password", "", strip=False)
        user, address = self.current_user, self.authenticator.visitor(self.request)
        change = self.desk.accounts.change_password
        await self.work(lambda: change(user.name, old=old, new=new, address=address))
        end_sessions(self.db, user, except_session=self.get_session_cookie())
        self.set_hub_cookie(user)
        return "Your password is changed. Your other browsers are signed out."

    async def _change_name(self) -> str:
        text = " ".join(self.text("display_name").split())
        user = self.current_user
        if len(text) > LONGEST_NAME or not text.isprintable():
            raise HTTPError(422, f"Use a full name of at most {LONGEST_NAME} plain letters.")
        await self.work(lambda: self.desk.accounts.set_display_name(user.name, text))
        user.user_info = {"display_name": text} if text else {}
        self.db.commit()
        return "Your full name is saved."

    async def _show(self, *, error: HTTPError | None = None, done: str = "") -> None:
        name = self.current_user.name
        account = await self.work(lambda: self.desk.accounts.find(name))
        await self.show(
            "account.html",
            error=error,
            done=done,
            account=account if self.authenticator.has_passwords else None,
            groups=sorted(group.name for group in self.current_user.groups),
            shortest=self.site.auth.local.min_password_length,
        )


HANDLERS: list[tuple[str, type]] = [
    (r"/signup", SignUpPage),
    (r"/password", PasswordPage),
    (r"/account", AccountPage),
]
