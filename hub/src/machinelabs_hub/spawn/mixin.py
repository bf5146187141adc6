"""What every MachineLabs spawner does, whatever its engine: queue, watch, never forget.

A server is running, gone or unknown. Unknown never stops or forgets anything; an order to stop
that is given meanwhile is carried out when the engine answers again.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Coroutine
from datetime import UTC, datetime
from http import HTTPStatus
from inspect import isawaitable
from typing import Any, Final, TypeVar

from jupyterhub.spawner import Spawner
from traitlets import Any as AnyTrait

from machinelabs_hub.errors import MachineLabsError
from machinelabs_hub.spawn.allowance import Allowance
from machinelabs_hub.spawn.choosing import Choosing
from machinelabs_hub.spawn.claiming import Claiming
from machinelabs_hub.spawn.ending import Ending, note_end
from machinelabs_hub.spawn.engine import EngineTrouble, Seen
from machinelabs_hub.spawn.options import Choice
from machinelabs_hub.spawn.phases import Phase, PhaseLog
from machinelabs_hub.spawn.queue import shared_queue
from machinelabs_hub.spawn.refusal import Refusal, refusal
from machinelabs_hub.spawn.runs import Runs
from machinelabs_hub.spawn.standing import standing

LOOK_SECONDS: Final = 5
"""A look that takes longer than this has found nothing out."""

RETRY_SECONDS: Final = 2
"""How often an order to stop is tried again while the engine is away."""

EVENT_SECONDS: Final = 0.25
"""How often the waiting page hears how the start is going on."""

LINE_SECONDS: Final = 5.0
"""How often it hears so while it stands in line and nothing changes."""

T = TypeVar("T")


class MachineLabsMixin(Allowance, Claiming, Runs, Choosing, Spawner):
    """Queue, phases and the three answers of `poll`.

    An engine's spawner adds `look`, `launch` and `discard`, and `fetch` if it can.
    """

    object_id: str
    """The engine's name of the container; empty where there is none."""

    site: Any = AnyTrait(help="The `SpawnSite` that this spawner starts servers for.").tag(
        config=True
    )

    def __init__(self, **kwargs: Any) -> None:
        self.choice: Choice | None = None
        self.phases: PhaseLog | None = None
        self.ending: Ending | None = None
        self.end_why = ""
        self.ready_at: datetime | None = None
        self.ran_since: datetime | None = None
        self.unknown_since: float | None = None
        self._last_good: dict[str, str] = {}
        self._stop_ordered = False
        self._starting = False
        self._stopping: asyncio.Future[None] | None = None
        self._background: set[asyncio.Future[Any]] = set()
        super().__init__(**kwargs)
        self.options_form = self._render_form
        self.options_from_form = self._read_form
        # Options are checked in the pre-spawn hook, which refuses without a stack trace.
        self.apply_user_options = _leave_to_the_hook

    # What an engine adds.

    async def look(self) -> Seen | None:
        """Return how the container is, None if there is none, or raise `EngineTrouble`."""
        raise NotImplementedError

    async def fetch(self, choice: Choice, phases: PhaseLog) -> None:
        """Have the image where the container will be, if it can be fetched."""

    async def launch(self, choice: Choice, phases: PhaseLog) -> str:
        """Start a container and return its address once it answers."""
        raise NotImplementedError

    async def discard(self, container: str = "") -> None:
        """Stop and remove the container, or the one of this id, or raise `EngineTrouble`."""
        raise NotImplementedError

    # Start.

    async def run_pre_spawn_hook(self) -> None:
        """Check the choice, then wait for a turn: nothing here counts as start time."""
        self.choice = self._choose()
        await self._refusing(self.check_plan(self.choice))
        self.ending = None
        self.end_why = ""
        self.ready_at = self.ran_since = None
        self._stop_ordered = False
        self._starting = True
        self.phases = PhaseLog()
        waited = super().run_pre_spawn_hook()
        if isawaitable(waited):
            await waited
        # Nobody holds a card, or a turn, while an image is fetched.
        await self._refusing(self.fetch(self.choice, self.phases))
        await self._refusing(self._stand_in_line(self.choice))
        self.phases.enter(Phase.QUEUE)
        await self._queue.enter(self)

    async def _stand_in_line(self, choice: Choice) -> None:
        if self.phases and self.site.catalog.flavour(choice.flavour).gpu:
            self.phases.enter(Phase.LINE)
        await self.take_cards(choice)

    async def _refusing(self, work: Awaitable[None]) -> None:
        """Wait for a step of a start; what it raises is told to the person."""
        try:
            await work
        except MachineLabsError as error:
            self.forget_bad_choice()
            raise refusal(error) from error

    async def start(self) -> str:
        """Start the server and return its address once it answers."""
        if self.choice is None or self.phases is None:
            raise Refusal("This start was not asked for. Try again.", code="no_choice")
        seconds = self.site.settings.engine.start_timeout
        try:
            async with asyncio.timeout(seconds):
                url = await self.launch(self.choice, self.phases)
        except TimeoutError as error:
            raise Refusal(
                f"Your server did not answer within {seconds} seconds. Try again; if it happens "
                "again, tell the people who run this site.",
                code="start_timeout",
                status=HTTPStatus.GATEWAY_TIMEOUT,
            ) from error
        except MachineLabsError as error:
            self.forget_bad_choice()
            raise refusal(error) from error
        finally:
            self._queue.leave(self)
            self.phases.end()
        self._last_good = self.choice.as_options()
        self._starting = False
        self.ready_at = self.ran_since = datetime.now(UTC)
        self.note_cards_ready()
        return url

    @property
    def _queue(self) -> Any:
        return shared_queue(self.site.settings.engine.parallel_starts)

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Tell how the start goes on, a few times a second, until it ends."""
        while self._spawn_pending:
            yield self.phase_event()
            if self._stop_pending and self.unknown_since is not None:
                yield {"message": "The container engine does not answer. Waiting for it."}
            await self._event_is_due()

    def phase_event(self) -> dict[str, Any]:
        """Return how the latest start went on, as an event of the progress stream."""
        phases = self.phases or PhaseLog()
        phases.place = self._queue.place(self)
        phases.line = self._standing()
        return phases.event()

    def _standing(self) -> dict[str, Any] | None:
        place = self.desk.line.place(self.holder)
        return standing(place, datetime.now(UTC)) if place else None

    async def _event_is_due(self) -> None:
        """Wait until there is news for the waiting page; of the line there is seldom any."""
        told, waited = self.phases and self.phases.line, 0.0
        await asyncio.sleep(EVENT_SECONDS)
        while told and waited < LINE_SECONDS and self._standing() == told:
            waited += EVENT_SECONDS
            await asyncio.sleep(EVENT_SECONDS)

    # Watch.

    async def poll(self) -> Any:
        """Return None while the server runs or nothing is known, else how it ended."""
        if not self._may_have_container():
            return 0
        if self._stop_ordered and not self._stop_pending:
            self._resume_stop()
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                seen = await self.look()
        except (EngineTrouble, TimeoutError) as error:
            self._note_unknown(error)
            return None
        self._note_known()
        if seen is not None and seen.running:
            self.ran_since = seen.started_at or self.ran_since
            self.stay_awake()
            return None
        self._stop_ordered = False
        return self._note_ending(seen) if seen else 0

    def _may_have_container(self) -> bool:
        # While JupyterHub checks at its start what it finds in its database, a server may have a
        # container whose id it did not live to store; and so it may while nothing is known.
        return bool(self.object_id or self._check_pending or self.unknown_since is not None)

    def _note_unknown(self, error: Exception) -> None:
        if self.unknown_since is None:
            self.unknown_since = time.time()
            self.log.warning("It is not known how %s is: %s", self._log_name, error)

    def _note_known(self) -> None:
        if self.unknown_since is not None:
            seconds = time.time() - self.unknown_since
            self.log.info("%s is known again after %.0f seconds", self._log_name, seconds)
        self.unknown_since = None

    def _note_ending(self, seen: Seen) -> int:
        note_end(seen)
        if not self._starting:
            self.ending = Ending.of(seen)
            self.log.warning("%s ended: %s", self._log_name, self.ending.sentence)
        self._in_background(self._remove_dead(seen.id))
        return seen.exit_code

    async def _remove_dead(self, container: str) -> None:
        # By its id: the next start may have the same name. A run has no next start at all.
        while True:
            try:
                return await self.discard(container)
            except EngineTrouble as error:
                self.log.warning("%s leaves a dead container: %s", self._log_name, error)
            await asyncio.sleep(RETRY_SECONDS)

    def _in_background(self, work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    # Stop.

    async def stop(self, now: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """Stop the server; return only when its container is gone for certain."""
        self._stop_ordered = True
        self._store_state()
        self.desk.ending(self.holder, self.end_why)
        await self._stop_until_gone()

    def _resume_stop(self) -> None:
        # The hub that was given the order did not live to carry it out.
        if self._stopping is None or self._stopping.done():
            self._stopping = asyncio.ensure_future(self._stop_until_gone())

    async def _stop_until_gone(self) -> None:
        while True:
            try:
                await self.discard()
            except EngineTrouble as error:
                self._note_unknown(error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                break
        self._note_known()
        self._stop_ordered = False
        self.desk.gone(self.object_id)
        self.object_id = ""

    def _store_state(self) -> None:
        self.orm_spawner.state = self.get_state()
        self.user.db.commit()

    @property
    def server(self) -> Any:
        """JupyterHub's row of this server's address."""
        return Spawner.server.fget(self)

    @server.setter
    def server(self, server: Any) -> None:
        # JupyterHub drops the row also when a stop was cut short, by its own end for one.
        # Kept, the row brings the order to stop back with the hub.
        if server is None and self._stop_ordered:
            return
        Spawner.server.fset(self, server)

    # Remember over restarts of the hub.

    def get_state(self) -> dict[str, Any]:
        """Return what JupyterHub stores for this server."""
        state = super().get_state()
        if self._last_good:
            state["choice"] = self._last_good
        if self._stop_ordered:
            state["stop_ordered"] = True
        if self.ending:
            state["ending"] = self.ending.as_state()
        if self.ready_at:
            state["ready_at"] = self.ready_at.isoformat()
        return dict(state)

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what `get_state` gave."""
        super().load_state(state)
        self._last_good = dict(state.get("choice") or {})
        self._stop_ordered = bool(state.get("stop_ordered"))
        self.ending = Ending.from_state(state.get("ending"))
        ready = state.get("ready_at")
        self.ready_at = datetime.fromisoformat(ready) if ready else None

    def clear_state(self) -> None:
        """Forget the container, unless an order to remove it is still open."""
        super().clear_state()
        self.abandon_cards()
        if not self._stop_ordered:
            self.object_id = ""


def _leave_to_the_hook(spawner: MachineLabsMixin, options: Any) -> None:
    """Do nothing: see `run_pre_spawn_hook`."""
