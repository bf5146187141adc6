"""See and stop servers from the Hub's background work, as its API would."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from machinelabs_hub.gpu.model import Holder
from machinelabs_hub.spawn.ending import Ending


@dataclass(frozen=True, slots=True)
class Running:
    """A server that is ready, or was when it was last looked at."""

    holder: Holder
    is_admin: bool
    groups: tuple[str, ...]
    image: str
    flavour: str
    container: str
    """The engine's id of its container."""
    started_at: datetime
    """When its start began, in UTC."""
    ready_at: datetime
    """When it answered for the first time, in UTC."""
    last_activity: datetime
    """What JupyterHub knows of its use, in UTC."""


def spawners(app: Any) -> Iterator[Any]:
    """Yield the spawners of all servers that run, start, stop or were asked about."""
    for user in list(app.users.values()):
        # `user.spawners` makes what is asked for; the values are what there is.
        yield from list(user.spawners.values())


def servers(app: Any) -> tuple[Running, ...]:
    """Return the servers that are ready. A start or a stop under way is none of them."""
    return tuple(_running(spawner) for spawner in spawners(app) if spawner.ready)


def pending(app: Any) -> dict[Holder, str]:
    """Return what is under way: `spawn`, `stop`, `check` or `rename`, by server."""
    return {spawner.holder: str(spawner.pending) for spawner in spawners(app) if spawner.pending}


async def stop_server(app: Any, holder: Holder, why: str, sentence: str = "") -> bool:
    """Stop a server that is ready; return whether there was one. Returns when it is gone.

    Args:
        app: the Hub.
        holder: which server.
        why: what ended it, in one word, as `ClaimRow.why` lists them.
        sentence: what its person is told on the start page.
    """
    spawner = next((one for one in spawners(app) if one.holder == holder), None)
    if spawner is None or not spawner.ready:
        return False
    spawner.end_why = why
    if sentence:
        spawner.ending = Ending.now(sentence)
    # Before anything is waited for: a second order, or a start, must see it.
    spawner._stop_pending = True  # noqa: SLF001
    try:
        await app.proxy.delete_user(spawner.user, holder.server)
        await spawner.user.stop(holder.server)
    finally:
        spawner._stop_pending = False  # noqa: SLF001
    return True


def _running(spawner: Any) -> Running:
    started = _utc(spawner.orm_spawner.started)
    choice = spawner.running_choice
    return Running(
        holder=spawner.holder,
        is_admin=bool(spawner.user.admin),
        groups=tuple(sorted(group.name for group in spawner.user.groups)),
        image=choice.image,
        flavour=choice.flavour,
        container=spawner.object_id,
        started_at=started,
        ready_at=spawner.ready_at or started,
        last_activity=_utc(spawner.orm_spawner.last_activity or spawner.orm_spawner.started),
    )


def _utc(when: datetime | None) -> datetime:
    # JupyterHub stores UTC without saying so.
    return when.replace(tzinfo=UTC) if when else datetime.now(UTC)
