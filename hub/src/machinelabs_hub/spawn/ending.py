"""Say how a server ended when nobody asked it to."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from machinelabs_hub.spawn.engine import Seen

KILLED: Final = 137
TERMINATED: Final = 143

MOST_ENDED: Final = 1000
"""Of so many containers it is remembered when they ended."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a server is not running any more, and when that was, as far as known (ISO 8601, UTC)."""

    sentence: str
    at: str

    @classmethod
    def of(cls, seen: Seen) -> Self:
        """Return the ending of a container that is not running."""
        at = seen.finished_at or datetime.now(UTC)
        return cls(sentence=sentence(seen), at=at.isoformat(timespec="seconds"))

    @classmethod
    def now(cls, sentence: str) -> Self:
        """Return an ending that is at this moment."""
        return cls(sentence=sentence, at=datetime.now(UTC).isoformat(timespec="seconds"))

    @classmethod
    def from_state(cls, state: Any) -> Self | None:
        """Return the ending that `as_state` gave, if it did."""
        if not isinstance(state, dict):
            return None
        return cls(sentence=str(state.get("sentence", "")), at=str(state.get("at", "")))

    def as_state(self) -> dict[str, str]:
        """Return the ending as JSON."""
        return {"sentence": self.sentence, "at": self.at}


_ended: OrderedDict[str, datetime] = OrderedDict()


def note_end(seen: Seen) -> None:
    """Remember when a container ended, as the engine says: hours are charged up to then."""
    if seen.finished_at is not None:
        _ended[seen.id] = seen.finished_at
        if len(_ended) > MOST_ENDED:
            _ended.popitem(last=False)


def ends() -> dict[str, datetime]:
    """Return when the containers ended of which this process learned last, by id."""
    return dict(_ended)


def sentence(seen: Seen) -> str:
    """Return what happened to this container and what to do."""
    # The engine also notes when a kernel ran out of memory that the server outlived.
    if seen.out_of_memory and seen.exit_code == KILLED:
        return (
            f"Your server ran out of its {amount(seen.memory_mib)} of memory and was stopped. "
            "Your files are safe. Start it again, with a larger size if your work needs it."
        )
    if seen.exit_code == 0:
        return "Your server was shut down from inside. Your files are safe."
    if seen.exit_code in {KILLED, TERMINATED}:
        return (
            "Your server was stopped by the machine it ran on, perhaps for a restart. "
            "Your files are safe. Start it again."
        )
    return (
        f"Your server stopped by itself (exit code {seen.exit_code}). Your files are safe. "
        "Start it again; if it happens again, tell the people who run this site."
    )


def amount(mib: int) -> str:
    """Return an amount of memory for a sentence: `2 GiB`, `512 MiB`."""
    if mib < 1024:  # noqa: PLR2004
        return f"{mib} MiB"
    return f"{mib / 1024:.1f} GiB".replace(".0 GiB", " GiB")
