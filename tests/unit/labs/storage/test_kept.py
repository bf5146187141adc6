"""What was read last: only what is not known is read, and nothing of an older state is given."""

from sqlalchemy import create_engine

from machinelabs_hub.db.engine import Sessions
from machinelabs_hub.labs.storage import kept
from machinelabs_hub.labs.storage.kept import Kept, filled


def test_only_what_is_not_known_is_read_until_somebody_writes() -> None:
    sessions = Sessions(create_engine("sqlite://"))
    held: Kept[str] = Kept(sessions)
    asked: list[list[int]] = []

    def read(missing: list[int]) -> dict[int, str]:
        asked.append(missing)
        return {row: f"{row} at {sessions.changes}" for row in missing if row != 9}

    assert filled(held.now(), [1, 2], read) == {1: "1 at 0", 2: "2 at 0"}
    assert filled(held.now(), [2, 3, 9], read) == {2: "2 at 0", 3: "3 at 0"}
    assert filled(held.now(), [1], read) == {1: "1 at 0"}
    old = held.now()
    sessions.changes = 1
    assert filled(held.now(), [1], read) == {1: "1 at 1"}
    # What began before the write and ends after it is nobody's answer but its own.
    assert filled(old, [4], read) == {4: "4 at 1"}
    assert 4 not in held.now()
    assert asked == [[1, 2], [3, 9], [1], [4]]


def test_what_is_held_is_bounded() -> None:
    held: dict[int, int] = {}
    for first in range(0, 3 * kept.MOST_KEPT, 1000):
        rows = range(first, first + 1000)
        assert len(filled(held, rows, lambda missing: {row: row for row in missing})) == len(rows)
    assert len(held) <= kept.MOST_KEPT + 1000
