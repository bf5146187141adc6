"""Refuse a start before JupyterHub has stored what was asked, whoever asks and however.

JupyterHub stores the options of a start and begins it before its spawner may judge them, and by
then the API has answered that the start is under way. The check is put before that, in the one
method that every start goes through; the spawner checks again.
"""

from functools import wraps
from http import HTTPStatus
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.spawner import SpawnException

from machinelabs_hub.errors import MachineLabsError


class Refusal(SpawnException):
    """A start that ended with a sentence for the person who asked for it."""

    def __init__(self, sentence: str, *, code: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(sentence, reason=code, status_code=status)
        self.jupyterhub_message = sentence


def refusal(error: MachineLabsError) -> Refusal:
    """Return JupyterHub's form of one of our errors: its sentence, code and status."""
    return Refusal(str(error), code=error.code, status=error.status)


def refuse_early() -> None:
    """Let JupyterHub's handlers ask our spawner about the options first. Twice is as once."""
    start = BaseHandler.spawn_single_user
    if hasattr(start, "__wrapped__"):
        return

    @wraps(start)
    async def checked(
        self: BaseHandler,
        user: Any,
        server_name: str = "",
        display_name: str = "",
        options: Any = None,
    ) -> None:
        spawner = user.spawners[server_name]
        try:
            chosen = spawner.orm_spawner.user_options or {} if options is None else options
            chosen = spawner.take_ticket(chosen)
            await spawner.check_plan(spawner.check(chosen))
        except MachineLabsError as error:
            if options is None:
                spawner.forget_bad_choice()
            raise refusal(error) from error
        # A ticket is never stored, nor shown to whoever may see the server.
        given = None if options is None else chosen
        await start(self, user, server_name, display_name, given)

    BaseHandler.spawn_single_user = checked
