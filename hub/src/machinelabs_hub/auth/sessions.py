"""End what a person has open at the Hub: sessions, tokens, servers."""

import asyncio
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from jupyterhub import orm
from jupyterhub.user import User
from tornado.web import HTTPError

from machinelabs_hub.plans.model import Notice
from machinelabs_hub.plans.notices import ACCOUNT, NoticeTable

CANCEL_SECONDS: Final = 1.0


def end_sessions(db: Any, user: User, *, except_session: str | None = None) -> None:
    """Sign the person out everywhere but in `except_session`; their own API tokens stay.

    The Hub's login cookie holds `cookie_id`, so a new one makes every old cookie worthless.
    """
    user.orm_user.cookie_id = orm.new_token()
    for token in list(user.api_tokens):
        if token.session_id and token.session_id != except_session:
            db.delete(token)
    db.commit()


def end_everything(db: Any, user: User) -> None:
    """Sign the person out everywhere and revoke every token, also those of their servers."""
    user.orm_user.cookie_id = orm.new_token()
    for token in list(user.api_tokens):
        db.delete(token)
    db.commit()


async def stop_servers(handler: Any, user: User) -> list[str]:
    """Stop all servers of `user`; return the names of those that are still stopping."""
    running = [name for name, spawner in user.spawners.items() if spawner.active]
    try:
        await handler.work(lambda: _tell(handler.desk.notices, user.name, running))
    except HTTPError as error:
        # That they stop counts for more than that they say why.
        handler.log.warning("why servers of %s stop was not noted: %s", user.name, error)
    for name, spawner in list(user.spawners.items()):
        if spawner.pending == "spawn":
            if spawner._spawn_future:  # noqa: SLF001 - JupyterHub has no other way to cancel
                spawner._spawn_future.cancel()  # noqa: SLF001
            await asyncio.sleep(CANCEL_SECONDS)
        if spawner.active and not spawner.pending:
            await handler.stop_single_user(user, name)
    return [name for name, spawner in user.spawners.items() if spawner.active]


def _tell(notices: NoticeTable, user: str, servers: list[str]) -> None:
    """Let it be known why these servers are stopped: of a run, its page says it."""
    now = datetime.now(UTC)
    for server in servers:
        notices.put(
            Notice(
                id=uuid4().hex,
                user=user,
                server=server,
                kind=ACCOUNT,
                sentence="This account is switched off or deleted.",
                at=now,
                final_at=now,
                ended_at=now,
            )
        )


def join_group(db: Any, user: User, name: str) -> None:
    """Add `user` to the Hub's group called `name`, made if there is none."""
    group = orm.Group.find(db, name)
    if group is None:
        group = orm.Group(name=name)
        db.add(group)
    if user.orm_user not in group.users:
        group.users.append(user.orm_user)
    db.commit()
