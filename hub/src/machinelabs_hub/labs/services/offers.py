"""What a fork can offer to its parent: its newest revision, against what both come from."""

from machinelabs_hub.errors import BadInput
from machinelabs_hub.labs.models.access import Action
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.proposal import Offer
from machinelabs_hub.labs.services.compare import Place
from machinelabs_hub.labs.services.revisions import RevisionService
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.viewer import lab_to


class NotAFork(BadInput):
    """Only a fork of a lab can offer changes to it."""

    code = "not_a_fork"


class NothingToPropose(BadInput):
    """The fork has nothing that the lab does not have."""

    code = "nothing_to_propose"


class Offers:
    """What forks can offer, as `viewer` may offer it."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer

    def source(self, lab: Lab, fork: str) -> Lab:
        """Return the fork called `owner/name` if the viewer may offer it to `lab`.

        Raises:
            NotAFork: it is no fork of this lab.
        """
        owner, _, name = fork.partition("/")
        source = lab_to(Action.EDIT, self._tools, self._viewer, owner, name)
        parent = source.parent
        is_fork = parent is not None and parent.exists and source.store == lab.store
        if parent is None or not is_fork or (parent.owner, parent.name) != (lab.owner, lab.name):
            raise NotAFork(f"{source.path} is not a fork of {lab.path}, so it cannot offer to it.")
        return source

    def newest(self, lab: Lab, fork: Lab) -> Offer:
        """Return what the newest revision of `fork` offers to `lab`.

        Raises:
            NothingToPropose: nothing that the lab does not have.
        """
        newest = RevisionService(tools=self._tools, viewer=self._viewer).find(fork)
        base, commit = self._base_of(lab, fork)
        if self._tools.repos.files_id(lab.store, commit) == self._tools.repos.files_id(
            lab.store, newest.commit
        ):
            raise NothingToPropose(
                f"{fork.path} has nothing that {lab.path} r{base} does not have. Change something "
                "and publish it, then propose."
            )
        return Offer(newest.number, newest.commit, base, commit)

    def _base_of(self, lab: Lab, fork: Lab) -> tuple[int, str]:
        """Return the newest state that both come from, and the lab's revision that has it."""
        synced = fork.parent.has if fork.parent else 0
        merged = self._tools.proposals.merged_of(lab, fork)
        if merged is not None and merged.merged_revision and merged.merged_revision > synced:
            return merged.merged_revision, merged.offer.commit
        found = self._tools.revisions.find(lab, synced)
        if found is None:
            raise NotAFork(f"{lab.path} has no r{synced}, which {fork.path} was forked from.")
        return synced, found.commit


def sides(lab: Lab, fork: str, offer: Offer) -> tuple[Place, Place]:
    """Return the two sides of an offer: what both come from, and what is offered."""
    return (
        Place(lab.path, offer.base, lab.store, offer.base_commit),
        Place(fork, offer.revision, lab.store, offer.commit),
    )
