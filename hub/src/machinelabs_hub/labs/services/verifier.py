"""What becomes of verifications: settled when their runs are over, turned when the site changes.

The same loop asks what GPU memory runs used that are over.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from fastapi.concurrency import run_in_threadpool

from machinelabs_hub.errors import MachineLabsError, NotFound
from machinelabs_hub.labs.compare.results import compare_cells
from machinelabs_hub.labs.models.lab import Lab
from machinelabs_hub.labs.models.run import Run, RunKind
from machinelabs_hub.labs.models.verification import (
    CellResult,
    Conditions,
    Outcome,
    Proof,
    Verdict,
    Verification,
    changes_since,
    gpu_class,
    outcome_of,
)
from machinelabs_hub.labs.render.notebook import BrokenNotebook
from machinelabs_hub.labs.render.notebook import read as read_notebook
from machinelabs_hub.labs.services import gpu_peaks
from machinelabs_hub.labs.services.bells import ALL
from machinelabs_hub.labs.services.tools import Tools

log = logging.getLogger("machinelabs.runs")

LOOK_SECONDS: Final = 30.0
TURN_SECONDS: Final = 3600.0
"""Builds are looked at at each look; cards and inputs so often."""


class Verifier:
    """Looks after the verifications of the site; there is one of it."""

    def __init__(self, *, tools: Tools) -> None:
        self._tools = tools
        self._builds: object = None
        self._turned_at = 0.0
        self._measured: set[int] = set()

    async def run(self) -> None:
        """Go on until cancelled."""
        with self._tools.bells.listen(ALL) as bell:
            while True:
                try:
                    await run_in_threadpool(self.look)
                except MachineLabsError as error:
                    log.warning("verifications were not looked after: %s", error)
                await bell.wait(LOOK_SECONDS)

    def look(self) -> None:
        """Settle what is over, and turn badges if the site is another than at the last look."""
        settle(self._tools)
        gpu_peaks.measure(self._tools, self._measured)
        builds, at = self._tools.catalog().builds, time.monotonic()
        if builds != self._builds or at - self._turned_at >= TURN_SECONDS:
            self._builds, self._turned_at = builds, at
            turned = turn(self._tools)
            if turned:
                log.info("%d labs were verified under other conditions than today's", turned)


def settle(tools: Tools) -> int:
    """Say what came of each verification whose run is over; return how many."""
    count = 0
    for one in tools.verifications.pending():
        run = tools.runs.get(one.run_id) if one.run_id is not None else None
        if run is None:
            outcome = Outcome(Verdict.VOID, "Its run was deleted.")
            tools.verifications.settle(one, outcome, one.conditions, tools.clock())
        elif run.state.is_final:
            outcome = _outcome(tools, run)
            at = run.ended_at or tools.clock()
            tools.verifications.settle(one, outcome, _conditions(tools, run), at)
            log.info("run %d verified r%d: %s", run.id, run.revision, outcome.verdict)
            tools.bells.ring(run.id)
        else:
            continue
        count += 1
    return count


def turn(tools: Tools) -> int:
    """Let every lab's `runs_clean` say what holds today; return how many do not hold any more."""
    stale = 0
    for some in proofs(tools):
        turned = [one for one, changed in some if changed]
        held = [one for one, changed in some if not changed]
        stale += len(turned)
        for ones, runs_clean in ((turned, None), (held, True)):
            others = [one for one in ones if one.runs_clean is not runs_clean]
            if others:
                tools.verifications.mark(others, runs_clean=runs_clean)
    return stale


def proofs(tools: Tools) -> Iterator[list[tuple[Proof, tuple[str, ...]]]]:
    """Return what showed that labs run clean, the oldest first, and what changed since, as words.

    They come some at a time: all may be more than memory holds.
    """
    # Most labs were verified under the same few conditions.
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    last = 0
    while some := tools.verifications.proofs(after=last):
        yield [(one, _changes_among(tools, one, known)) for one in some]
        last = some[-1].verification


def _changes_among(
    tools: Tools, one: Proof, known: dict[tuple[str, ...], tuple[str, ...]]
) -> tuple[str, ...]:
    then = one.then
    if then.inputs:
        return _changes(tools, one.image, one.flavour, then)
    kind = (one.image, one.flavour, then.image, then.image_id, then.gpu)
    if kind not in known:
        known[kind] = _changes(tools, one.image, one.flavour, then)
    return known[kind]


def changes(tools: Tools, lab: Lab, one: Verification) -> tuple[str, ...]:
    """Return what changed since a verification of a lab's newest revision, as words."""
    return _changes(tools, lab.image or "", lab.flavour or one.flavour, one.conditions)


def _changes(tools: Tools, image: str, name: str, then: Conditions) -> tuple[str, ...]:
    catalog = tools.catalog()
    image = image or tools.settings.servers.default_image
    build = catalog.builds.get(image)
    flavour = next((each for each in catalog.flavours if each.name == name), None)
    gpu = then.gpu
    if flavour is not None:
        wanted = flavour.gpu
        models = wanted and tools.verifications.models(
            memory_mib=wanted.memory_mib, profile=wanted.profile
        )
        could = {gpu_class(flavour, (model,)) for model in models or ("",)}
        gpu = then.gpu if then.gpu in could else min(could)
    now = Conditions(
        image=image,
        # A build that nobody knows is no other one.
        image_id=build.id if build and then.image_id else then.image_id,
        gpu=gpu,
        inputs=tools.fetched.digests(then.inputs) if then.inputs else {},
    )
    return changes_since(then, now)


def _outcome(tools: Tools, run: Run) -> Outcome:
    try:
        return outcome_of(run, _cells(tools, run))
    except MachineLabsError:
        # The database or the disk: a later look finds out.
        raise
    except Exception:
        # Code of people wrote both sides: none of them may keep the others from their verdicts.
        log.exception("what run %d shows could not be compared", run.id)
        return Outcome(Verdict.VOID, "What it shows could not be compared with the revision.")


def _conditions(tools: Tools, run: Run) -> Conditions:
    flavours = {each.name: each for each in tools.catalog().flavours}
    flavour = flavours.get(run.flavour)
    # What ml.yaml pins cannot become another; nor can a run's output or a dataset.
    inputs = {
        each.url: each.sha256
        for each in tools.run_inputs.all(run)
        if each.sha256 and not each.asked and not each.is_ours
    }
    gpu = gpu_class(flavour, tools.verifications.cards_of(run)) if flavour else ""
    return Conditions(run.image, run.image_id, gpu, inputs)


def _cells(tools: Tools, run: Run) -> tuple[CellResult, ...]:
    lab = tools.runs.lab_of(run)
    revision = None if lab is None else tools.revisions.find(lab, run.revision)
    if lab is None or revision is None or run.kind is not RunKind.NOTEBOOK or not run.notebook:
        return ()
    entries = tools.repos.manifest(lab.store, revision.commit)
    entry = next((entry for entry in entries if entry.path == run.path), None)
    with suppress(BrokenNotebook, NotFound):
        if entry is not None:
            saved = read_notebook(tools.repos.read(lab.store, entry.blob))
            content = b"".join(tools.blobs.read(run.notebook, size=run.notebook_bytes))
            return compare_cells(saved.cells, read_notebook(content).cells)
    return ()
