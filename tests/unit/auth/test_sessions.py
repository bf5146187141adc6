"""Stopping what a person has open."""

import logging
from typing import Any

from tornado.web import HTTPError

from machinelabs_hub.auth.sessions import stop_servers


class Server:
    active, pending = True, None


class User:
    name = "ada"

    def __init__(self) -> None:
        self.spawners = {"": Server(), "run-1": Server()}


class FullDisk:
    """What handles a request while the database takes nothing."""

    log = logging.getLogger("test")

    async def work(self, _: Any) -> None:
        raise HTTPError(503, "The database is busy.")

    async def stop_single_user(self, user: User, name: str) -> None:
        user.spawners[name].active = False


async def test_servers_are_stopped_although_it_cannot_be_noted_why() -> None:
    user: Any = User()
    assert await stop_servers(FullDisk(), user) == []
    assert not any(one.active for one in user.spawners.values())
