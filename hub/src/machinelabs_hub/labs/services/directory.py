"""Which people and groups there are: the index knows some, the Hub knows all."""

from collections.abc import Callable, Coroutine

from anyio import from_thread

from machinelabs_hub.errors import BadInput
from machinelabs_hub.labs.hubapi import HubApi
from machinelabs_hub.labs.models.member import MemberKind
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.storage.people import PersonTable
from machinelabs_hub.names import shown


class UnknownMember(BadInput):
    """Nobody and no group of this site is called so."""

    code = "unknown_member"


class Directory:
    """Names of people and groups. Its methods block, and run on threads of the service."""

    def __init__(self, *, people: PersonTable, hub: HubApi, viewer: Person | None) -> None:
        self._people = people
        self._hub = hub
        self._viewer = viewer

    def check(self, kind: MemberKind, name: str) -> None:
        """Refuse a name that nobody has.

        Raises:
            UnknownMember: with a sentence.
            HubAway: nobody can say.
        """
        if not self._knows(kind, name):
            what = "nobody" if kind is MemberKind.PERSON else "no group"
            raise UnknownMember(
                f"There is {what} called “{shown(name)}” on this site. Look how it is spelled: "
                "small and capital letters differ."
            )

    def _knows(self, kind: MemberKind, name: str) -> bool:
        if not name or not name.isprintable():
            return False
        if kind is MemberKind.GROUP:
            own = self._viewer is not None and name in self._viewer.groups
            return own or _asked(self._hub.has_group, name)
        return self._people.find(name) is not None or _asked(self._hub.has_person, name)


def _asked(ask: Callable[[str], Coroutine[None, None, bool]], name: str) -> bool:
    return bool(from_thread.run(ask, name))
