"""What a named server that is a run has in place of a person's server.

Its name says that it is one, and the labs service's ticket says that it may be started, with what,
and for whom. Nobody else can start a server of such a name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from machinelabs_hub import scopes, tickets
from machinelabs_hub.settings import Settings
from machinelabs_hub.sites import LABS_PREFIX, Addresses, Files
from machinelabs_hub.spawn.plan import HOME, PORT, ContainerPlan
from machinelabs_hub.tickets import BadTicket, Ticket

TICKET: Final = "ticket"
"""The user option that holds it."""

RUNNER: Final = ("/opt/ml/bin/python", "-I", "-m", "machinelabs.runner")
"""The server's own Python, which nothing that a lab brings can change."""

STOP_SECONDS: Final = 30
"""How long a run may take, once told to end, to send what it has made."""

AWAKE: Final = timedelta(seconds=30)

HUB_VARIABLES: Final = ("JUPYTERHUB_", "JPY_", "GIT_CONFIG_", "MACHINELABS_IDLE_")
"""What a server is told of the Hub and of its own sign-in, and a run is not."""


@dataclass(frozen=True, slots=True)
class RunDoor:
    """How a run's container finds the labs service, and how the Hub finds the container."""

    url: str
    code: str
    base_url: str


class Runs:
    """What a spawner adds so that its server may be a run."""

    site: Any
    user: Any
    name: str
    server: Any
    orm_spawner: Any

    ticket: Ticket | None = None
    """What the labs service said of the start under way."""

    @property
    def is_run(self) -> bool:
        """Whether this server is a run."""
        return tickets.is_run(self.name)

    def take_ticket(self, options: Any) -> Any:
        """Keep a run's ticket; return the options without it, as they may be stored and shown.

        Raises:
            BadTicket: this server is a run, and there is no ticket that fits.
        """
        if not self.is_run:
            return options
        said = dict(options) if isinstance(options, Mapping) else {}
        key = Files(self.site.settings.data).secret(tickets.KEY)
        ticket = tickets.verify(said.pop(TICKET, None), key, now=datetime.now(UTC))
        if (ticket.user, ticket.server) != (self.user.name, self.name):
            raise BadTicket("This ticket is for another run.")
        self.ticket = ticket
        return said

    def check_ticket(self, image: str, flavour: str) -> None:
        """Return if this is no run, or one whose ticket is for just this.

        Raises:
            BadTicket: it is not.
        """
        if not self.is_run:
            return
        if self.ticket is None:
            raise BadTicket("Runs are started on the pages of labs, or with `ml run`.")
        if (self.ticket.image, self.ticket.flavour) != (image, flavour):
            raise BadTicket("This ticket is for another image or size.")

    def run_door(self) -> RunDoor | None:
        """Return what the container of a run is told; None: this server is none."""
        if self.ticket is None:
            return None
        door = Addresses(self.site.settings).door
        return RunDoor(
            url=f"{door}{LABS_PREFIX}/api/v1/runner/{self.ticket.run}",
            code=self.ticket.code,
            base_url=self.server.base_url,
        )

    def stay_awake(self) -> None:
        """Let a run that runs count as used: nobody looks at it in a browser."""
        used, now = self.orm_spawner.last_activity, datetime.now(UTC).replace(tzinfo=None)
        if self.is_run and (used is None or now - used >= AWAKE):
            self.orm_spawner.last_activity = now
            self.user.db.commit()


def token_scopes(spawner: Any) -> list[str]:
    """Return what the Hub's token of a server may do; a run is never given its own."""
    return [scopes.ACTIVITY] if tickets.is_run(spawner.name) else scopes.SERVER_TOKEN


def as_run(plan: ContainerPlan, door: RunDoor) -> ContainerPlan:
    """Return the plan of a run's container, made from that of a server: no home, no sign-in."""
    own = {
        "MACHINELABS_RUN_URL": door.url,
        "MACHINELABS_RUN_CODE": door.code,
        "MACHINELABS_RUN_PROBE": f"{PORT}{door.base_url}api",
    }
    kept = {
        name: value
        for name, value in plan.environment.items()
        if not name.startswith(HUB_VARIABLES)
    }
    return replace(
        plan,
        command=RUNNER,
        mounts=tuple(mount for mount in plan.mounts if mount.target != HOME),
        environment=kept | own,
        # The first process of a container cannot be killed from inside, and can end all others.
        has_init=False,
        stop_seconds=STOP_SECONDS,
    )


def named_limit(settings: Settings) -> Any:
    """Return how JupyterHub is to limit people's named servers: runs are not counted."""
    most = settings.servers.named_limit

    def limit(handler: Any) -> int:
        # Addresses of servers end in a person and a name; others only show the limit.
        person, asked = [*map(str, handler.path_args), "", ""][:2]
        if not most or tickets.is_run(asked):
            return 0
        user = handler.find_user(person) if asked else None
        return most + (sum(map(tickets.is_run, user.orm_spawners)) if user else 0)

    return limit
