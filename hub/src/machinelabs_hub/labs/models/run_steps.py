"""What is to be done for a run next, by its row, the Hub's word and its own. Pure.

What nobody can know now is no reason for anything: a run is over only when it said so itself, or
when the Hub says for certain that its server is not there.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from machinelabs_hub.labs.models.run import Run, RunState

SILENT: Final = timedelta(seconds=30)
"""After so long without a word nobody can know how a run is."""

MUTE: Final = timedelta(seconds=15)
"""So long a run must be silent before the Hub's word that its server is gone is believed."""

GONE: Final = timedelta(seconds=3)
"""For so long the Hub must say that a server is gone before it is believed."""

OBEY: Final = timedelta(seconds=60)
"""So long a run may take to end by itself once it was ordered to stop."""

REPORT: Final = timedelta(minutes=5)
"""So long a container that runs may take to tell of itself first."""

TRIES: Final = 3
"""So often a start is tried that the Hub took and then forgot."""


class Seen(StrEnum):
    """What the Hub says of a run's server."""

    UNKNOWN = "unknown"
    """The Hub does not answer."""
    ABSENT = "absent"
    """It has no such server."""
    IDLE = "idle"
    """It has the server, which neither runs nor starts nor stops."""
    PENDING = "pending"
    READY = "ready"

    @property
    def is_gone(self) -> bool:
        """Whether there is no container for certain."""
        return self in {Seen.ABSENT, Seen.IDLE}

    @property
    def is_there(self) -> bool:
        """Whether there is a container, or will be, or was a moment ago."""
        return self in {Seen.PENDING, Seen.READY}


class Step(StrEnum):
    """What is to be done."""

    NOTHING = "nothing"
    START = "start"
    """Ask the Hub to start its server."""
    ADOPT = "adopt"
    """Its server is there already: note that it starts."""
    FAIL = "fail"
    LOSE = "lose"
    STOPPED = "stopped"
    """It was ordered to stop, and has stopped."""
    REMOVE = "remove"
    """Ask the Hub to stop and forget its server."""
    SETTLE = "settle"
    """It is over and its server is gone."""
    HUSH = "hush"
    """Note that nobody can know how it is."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a run now.

    Attributes:
        since: since when it has said nothing (or could have said something).
        gone_since: since when the Hub says that its server is gone; None: it does not.
        has_turn: whether its person's plan has room for it.
        why: the Hub's sentence on a start that failed; empty: it has none.
        tries: how often its start was asked for.
    """

    run: Run
    seen: Seen
    since: datetime
    gone_since: datetime | None = None
    has_turn: bool = False
    why: str = ""
    tries: int = 0


def step(facts: Facts, now: datetime) -> Step:
    """Return what is to be done for a run."""
    if facts.run.state.is_final:
        return _over(facts, now)
    match facts.run.state:
        case RunState.QUEUED:
            return _queued(facts)
        case RunState.STARTING:
            return _starting(facts, now)
    return _running(facts, now)


def asks_hub(run: Run, since: datetime, now: datetime, *, has_turn: bool) -> bool:
    """Tell whether the Hub's word on a run matters now; of a run that talks it does not."""
    if run.state is RunState.QUEUED:
        return has_turn or run.stop_at is not None
    if run.state is RunState.RUNNING:
        return now - since >= MUTE or _disobeys(run, now)
    if run.is_held(now):
        return now - since >= MUTE
    return not run.is_settled


def places(runs: Collection[Run], most: int, now: datetime) -> int:
    """Return how many more of a person's runs may start.

    A run that is over has given its place away: the Hub removes its container while the next one
    starts. There are never more of those than places, so that what cannot be removed does not pile
    up.

    Args:
        runs: the person's that are not settled.
        most: how many their plan lets run at once.
        now: the present.
    """
    begun = [run for run in runs if run.state is not RunState.QUEUED]
    at_work = sum(1 for run in begun if not run.state.is_final or run.is_held(now))
    return max(0, min(most - at_work, 2 * most - len(begun)))


def _over(facts: Facts, now: datetime) -> Step:
    if facts.run.is_settled or facts.seen is Seen.UNKNOWN:
        return Step.NOTHING
    if facts.run.is_held(now) and facts.seen.is_there:
        return Step.NOTHING
    return Step.SETTLE if facts.seen is Seen.ABSENT else Step.REMOVE


def _queued(facts: Facts) -> Step:
    if facts.run.stop_at is not None:
        return Step.STOPPED
    if not facts.has_turn or facts.seen is Seen.UNKNOWN:
        return Step.NOTHING
    # The Hub took it, and nobody was there to note that.
    return Step.ADOPT if facts.seen.is_there else Step.START


def _starting(facts: Facts, now: datetime) -> Step:
    run = facts.run
    if facts.seen.is_gone:
        if run.stop_at is not None:
            return Step.STOPPED
        if facts.why:
            return Step.FAIL
        if facts.gone_since is None or now - facts.gone_since < GONE:
            return Step.NOTHING
        # A hub that was begun anew knows nothing of starts that were under way.
        return Step.START if facts.tries < TRIES else Step.FAIL
    if facts.seen.is_there and run.stop_at is not None:
        return Step.REMOVE
    is_mute = facts.seen is Seen.READY and now - facts.since > REPORT
    return Step.FAIL if is_mute else Step.NOTHING


def _running(facts: Facts, now: datetime) -> Step:
    run, silence = facts.run, now - facts.since
    if facts.seen.is_gone and silence >= MUTE:
        if facts.gone_since is not None and now - facts.gone_since >= GONE:
            return Step.STOPPED if run.stop_at is not None else Step.LOSE
    elif facts.seen.is_there and _disobeys(run, now):
        return Step.REMOVE
    if silence > SILENT and run.silent_since is None:
        return Step.HUSH
    return Step.NOTHING


def _disobeys(run: Run, now: datetime) -> bool:
    return run.stop_at is not None and now - run.stop_at > OBEY
