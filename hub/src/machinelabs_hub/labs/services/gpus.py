"""The site's GPUs as admins see them: what cards do, who holds them, keeping them back."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from machinelabs_hub.errors import BadInput, Conflict, NotAllowed, NotFound
from machinelabs_hub.gpu.holders import HeldCard, held_cards
from machinelabs_hub.gpu.sample import CardPoint, CardSample
from machinelabs_hub.gpu.sampling import SamplerAway
from machinelabs_hub.gpu_settings import GpuSource
from machinelabs_hub.labs.models.gpus import Drain, InLine, ShownCard, ShownCards
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import signed_in, writer
from machinelabs_hub.labs.storage.gpus import GpuTable
from machinelabs_hub.names import shown

HOUR_SECONDS: Final = 3600
MOST_LETTERS: Final = 500

_UUID: Final = re.compile(r"(GPU|MIG)-[A-Za-z0-9-]{1,92}")

_NOT_MEASURED: Final = (
    "This site knows its cards by a list or a cluster (`gpus.source`): their use is not measured."
)

Measured = tuple[CardSample | None, tuple[CardPoint, ...]]


class NoCard(NotFound):
    """The site has no such card or instance."""

    code = "no_card"


class CardIsWell(Conflict):
    """A card is to be returned that did not fail."""

    code = "card_is_well"


class GpuService:
    """Cards and the line as `viewer` may see and steer them."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer
        self._table = GpuTable(sessions=tools.sessions)

    def cards(self) -> ShownCards:
        """Return all cards and instances; a sampler that is away takes only the figures along."""
        self._admin()
        found = held_cards(self._tools.sessions)
        measured, trouble = self._measured(card.row.uuid for card in found)
        drains, returns = self._table.drains(), self._table.returns()
        shown_cards = []
        for card in found:
            row = card.row
            said = [returns[key] for key in (row.uuid, row.parent) if key in returns]
            returned = max(said, default=None)
            now, past = measured.get(row.uuid, (None, ()))
            shown_cards.append(
                ShownCard(
                    row=row,
                    holders=card.holders,
                    drain=_drain_of(card, drains),
                    returned_at=returned if returned and returned >= row.changed_at else None,
                    now=now,
                    past=past,
                )
            )
        return ShownCards(tuple(shown_cards), trouble if found else "")

    def line(self) -> tuple[InLine, ...]:
        """Return who waits for a GPU, whoever is next first."""
        self._admin()
        return self._table.line()

    def drain(self, uuid: str, why: str) -> None:
        """Keep a card or instance back: who holds it goes on, nobody new gets it.

        Raises:
            BadInput: no reason.
            NoCard: the site has no such card.
        """
        admin = self._admin(is_order=True)
        why = " ".join(why.split())
        if not why or len(why) > MOST_LETTERS or not why.isprintable():
            raise BadInput(
                f"Say why, in at most {MOST_LETTERS} characters: whoever waits for it reads this."
            )
        self._known(uuid)
        self._table.drain(Drain(uuid, why, admin.name, self._tools.clock()))

    def end_drain(self, uuid: str) -> None:
        """Hand a card out again; one that is not kept back is as good.

        Raises:
            NoCard: the site has no such card.
        """
        self._admin(is_order=True)
        if not (_UUID.fullmatch(uuid) and self._table.end_drain(uuid)):
            self._known(uuid)

    def give_back(self, uuid: str) -> None:
        """Say that a card which failed is well: it is handed out unless it fails again.

        Raises:
            NoCard: the site has no such card.
            CardIsWell: it did not fail.
        """
        admin = self._admin(is_order=True)
        self._known(uuid)
        if not self._table.has_failed(uuid):
            raise CardIsWell("This card has not failed. There is nothing to return.")
        self._table.give_back(uuid, admin.name, self._tools.clock())

    def _measured(self, uuids: Iterable[str]) -> tuple[dict[str, Measured], str]:
        source = self._tools.settings.gpus.source
        if not source.is_measured:
            return {}, "" if source is GpuSource.OFF else _NOT_MEASURED
        sampler = self._tools.sampler
        try:
            sample = sampler.sample()
            now = {card.uuid: card for card in sample.cards}
            past = {uuid: sampler.card(uuid, seconds=HOUR_SECONDS).points for uuid in uuids}
        except SamplerAway as away:
            return {}, str(away)
        return {uuid: (now.get(uuid), past[uuid]) for uuid in past}, sample.fault

    def _known(self, uuid: str) -> None:
        if not (_UUID.fullmatch(uuid) and self._table.knows(uuid)):
            raise NoCard(f"The site has no card “{shown(uuid)}”.")

    def _admin(self, *, is_order: bool = False) -> Person:
        person = writer(self._viewer) if is_order else signed_in(self._viewer)
        if not person.admin:
            raise NotAllowed("Only an admin can see and steer the site's cards.")
        return person


def _drain_of(card: HeldCard, drains: Mapping[str, Drain]) -> Drain | None:
    return drains.get(card.row.uuid) or drains.get(card.row.parent)
