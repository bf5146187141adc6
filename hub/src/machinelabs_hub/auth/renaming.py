"""Refuse to rename people: their labs, home and account are theirs by name."""

from jupyterhub.apihandlers.users import UserAPIHandler
from jupyterhub.scopes import needs_scope
from tornado.web import HTTPError

from machinelabs_hub.names import shown


class KeepsNames(UserAPIHandler):
    """JupyterHub's own handler of one person, less the change of a name."""

    @needs_scope("admin:users")
    async def patch(self, user_name: str) -> None:
        """Change what else there is to change.

        Raises:
            HTTPError: the name was to be changed.
        """
        body = self.get_json_body()
        if isinstance(body, dict) and body.get("name", user_name) != user_name:
            raise HTTPError(
                409,
                f"“{shown(user_name)}” keeps this name: labs, home and account belong to it. "
                "Invite the person under the new name, and transfer their labs.",
            )
        await super().patch(user_name)


HANDLERS: list[tuple[str, type]] = [(r"/api/users/([^/]+)", KeepsNames)]
