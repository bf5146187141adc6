"""Verifying that a revision runs clean: ask for it, and read what came of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from machinelabs_hub.errors import Conflict, NotFound
from machinelabs_hub.labs.models.access import Action, first_open
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.page import DEFAULT_LIMIT, Page
from machinelabs_hub.labs.models.person import Person
from machinelabs_hub.labs.models.place import read_place, write_place
from machinelabs_hub.labs.models.run import Run, RunDraft, RunKind, kind_of
from machinelabs_hub.labs.models.verification import Clean, Verdict, Verification, injected_values
from machinelabs_hub.labs.services.revisions import RevisionService
from machinelabs_hub.labs.services.runs import RunService
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.services.verifier import changes
from machinelabs_hub.labs.services.viewer import lab_to

_LIST: Final = "verifications"


class NoVerification(NotFound):
    """No run of this number verified the lab, or none that this person may see."""

    code = "no_verification"


class AlreadyVerifying(Conflict):
    """A run that verifies the same revision goes on."""

    code = "already_verifying"


@dataclass(frozen=True, slots=True)
class Badge:
    """What a lab can say of itself: the last verification of its newest revision.

    Attributes:
        changes: what changed since, as words; none: it holds.
    """

    last: Verification
    changes: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Whether the lab runs clean, as far as anybody can know today."""
        return self.last.verdict is Verdict.CLEAN and not self.changes


class VerifyService:
    """Verifications, as `viewer` may ask for and see them: whoever may run a lab may verify it."""

    def __init__(self, *, tools: Tools, viewer: Person | None) -> None:
        self._tools = tools
        self._viewer = viewer
        self._runs = RunService(tools=tools, viewer=viewer)

    def order(self, lab: Lab, revision: int | None = None) -> tuple[Run, Verification]:
        """Order a run that verifies a revision (None: the newest), on the viewer's hours.

        It runs what the lab opens with, in the image and the size that the lab names, with the
        values that the saved notebook was executed with: so it says something of the lab, and
        nothing of who asked.

        Raises:
            AlreadyVerifying: somebody else did a moment ago.
        """
        tools = self._tools
        lab = lab_to(Action.RUN, tools, self._viewer, lab.owner, lab.name)
        form = self._runs.form(lab, RunDraft(revision=revision))
        values = {}
        if kind_of(form.path) is RunKind.NOTEBOOK:
            revisions = RevisionService(tools=tools, viewer=self._viewer)
            saved = injected_values(revisions.read(lab, form.revision, form.path))
            known = {one.name for one in form.parameters}
            values = {name: value for name, value in saved.items() if name in known}
        draft = RunDraft(revision=form.revision, parameters=values, name=f"Verify r{form.revision}")
        with tools.locks.hold(f"verifying {lab.uid}"):
            other = tools.verifications.waiting(lab, form.revision)
            if other is not None:
                raise AlreadyVerifying(
                    f"Run #{other.number} verifies r{form.revision} of {lab.path} already. Look "
                    "at it when it is over."
                )
            run = self._runs.order(lab, draft)
            made = tools.verifications.add(run, tools.clock())
        # It may be over by now.
        tools.bells.ring(run.id)
        return run, made

    def get(self, lab: Lab, number: int) -> Verification:
        """Return the verification that the run of this number is.

        Raises:
            NoVerification: there is none, or none that the viewer may see.
        """
        found = self._tools.verifications.find(lab, number) if number < 1 << 31 else None
        if found is None or found.revision < first_open(self._viewer, lab):
            raise NoVerification(f"No run #{number} verified {lab.path}.")
        return found

    def list(self, lab: Lab, *, cursor: str = "", limit: int = DEFAULT_LIMIT) -> Page[Verification]:
        """Return the verifications of a lab, the newest first, a page of them."""
        found = self._tools.verifications.page(
            lab,
            first=first_open(self._viewer, lab),
            before=read_place(cursor, _LIST) if cursor else None,
            limit=limit + 1,
        )
        items, more = found[:limit], len(found) > limit
        return Page(items, write_place(_LIST, items[-1].number) if more else None)

    def of_run(self, lab: Lab, run: Run) -> Verification | None:
        """Return what a run that the viewer may see verifies, or None."""
        found = self._tools.verifications.find(lab, run.number)
        return found if found is not None and found.run_id == run.id else None

    def badge(self, lab: Lab) -> Badge | None:
        """Return what is known of the newest revision; None: nobody verified it."""
        return self.badges((lab,)).get(lab.id)

    def badges(self, labs: Iterable[Lab]) -> dict[int, Badge]:
        """Return what is known of the newest revisions of labs, by the labs' ids."""
        by_id = {lab.id: lab for lab in labs}
        found = self._tools.verifications.newest(by_id)
        return {at: Badge(one, changes(self._tools, by_id[at], one)) for at, one in found.items()}

    def clean_among(self, labs: Iterable[Lab]) -> dict[int, Clean]:
        """Return what the labs that run clean rest on, by the labs' ids."""
        return self._tools.verifications.clean([lab.id for lab in labs if lab.runs_clean])

    def sides(self, lab: Lab, one: Verification) -> tuple[bytes, bytes] | None:
        """Return the saved and the executed notebook, if both are still there."""
        run = self._tools.runs.get(one.run_id) if one.run_id is not None else None
        if run is None or not run.notebook:
            return None
        try:
            saved = RevisionService(tools=self._tools, viewer=self._viewer).read(
                lab, one.revision, one.path
            )
        except NotFound:
            return None
        # Also of a run that was deleted: what a badge rests on stays to be seen.
        book = self._runs.notebook(replace(run, hidden_at=None))
        return saved, b"".join(self._runs.content(book))
