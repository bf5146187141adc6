"""What a server has to do with the site's GPUs: it asks for them, holds them, gives them back."""

from asyncio import Future
from functools import partial
from typing import Any

from machinelabs_hub.gpu.desk import GpuDesk, desk_for
from machinelabs_hub.gpu.model import Ask, Claim, Holder, Observed, Room
from machinelabs_hub.gpu.policy import room
from machinelabs_hub.gpu.wants import want_of, wants_of
from machinelabs_hub.plans.policy import plan_of
from machinelabs_hub.spawn.cards import Cards
from machinelabs_hub.spawn.options import Choice


class Claiming:
    """What a spawner adds so that its server may hold GPUs from before its start to its end."""

    site: Any
    user: Any
    name: str
    object_id: str
    _check_pending: bool

    claim: Claim | None = None
    """What was granted to the start under way, or to the server that this hub started."""
    asked_engine: bool = False
    """Whether the engine was asked for a container since the grant, whatever it answered."""
    making: Future[bool] | None = None
    """Tells whether what a start that was ended had asked for is removed for certain."""

    @property
    def desk(self) -> GpuDesk:
        """The site's desk of GPUs."""
        return desk_for(self.site.settings)

    @property
    def holder(self) -> Holder:
        """This server, as the holder of GPUs."""
        return Holder(self.user.name, self.name)

    async def take_cards(self, choice: Choice) -> None:
        """Wait in line for the GPUs that the choice needs, if any."""
        want = want_of(self.site.catalog.flavour(choice.flavour))
        if want is None:
            return
        groups = frozenset(group.name for group in self.user.groups)
        self.asked_engine, self.making = False, None
        plan = plan_of(self.site.settings.plans, groups=groups, is_admin=self.user.admin)
        self.claim = await self.desk.take(
            Ask(
                holder=self.holder,
                flavour=choice.flavour,
                want=want,
                options=choice.as_options(),
                groups=groups,
                weight=plan.weight,
            )
        )

    def rooms(self) -> dict[str, Room]:
        """Return how many GPUs are free for each flavour that needs some."""
        devices, claims = self.desk.inventory.devices(), self.desk.ledger.live()
        wants = wants_of(self.site.catalog)
        return {name: room(want, devices, claims) for name, want in wants.items()}

    def cards(self) -> Cards | None:
        """Return the GPUs that this start was granted, None if none."""
        if self.claim is None:
            return None
        memory = {gpu.uuid: gpu.memory_mib for gpu in self.desk.inventory.devices()}
        return Cards.of(self.claim, memory)

    def note_cards_held(self) -> None:
        """Tell the desk that the container which holds the GPUs is made."""
        if self.claim is not None:
            self.desk.started(self.claim, self.object_id)

    def note_cards_ready(self) -> None:
        """Tell the desk that the server which holds the GPUs answers."""
        if self.claim is not None:
            self.desk.ready(self.claim)

    def take_cards_over(self) -> None:
        """Tell the desk that a hub before this one started the server, and that it runs."""
        claim = self.desk.ledger.claim_of(self.holder)
        if claim is not None and claim.ready_at is None:
            self.desk.ready(claim)

    def abandon_cards(self) -> None:
        """Let the desk find out whether a container is left that holds the GPUs.

        JupyterHub comes by here after every stop and after every start that failed or was ended,
        at whatever point.
        """
        claim, self.claim = self.claim, None
        if claim is None:
            return
        if not self.asked_engine:
            self.desk.release(claim, "not_started")
        elif self.making is None:
            self.desk.abandon(claim)
        else:
            self.making.add_done_callback(partial(self._after_making, claim))

    def _after_making(self, claim: Claim, making: Future[bool]) -> None:
        if making.cancelled() or making.exception() or not making.result():
            self.desk.abandon(claim)
        else:
            self.desk.release(claim, "not_started")

    def wants(self, one: Observed) -> bool:
        """Return whether a container that holds GPUs is this server's, or is about to be."""
        return one.holder == self.holder and bool(
            self._check_pending
            or one.container == self.object_id
            or (self.claim is not None and one.claim == self.claim.id)
        )
