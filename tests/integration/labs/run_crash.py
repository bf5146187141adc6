"""Add batch after batch to the log of run 1 until killed; say each next number once it is stored.

`python -m tests.integration.labs.run_crash FOLDER`
"""

import random
import sys
from pathlib import Path

from machinelabs_hub.labs.storage.run_events import EventStore


def main() -> None:
    """Write for ever."""
    store = EventStore(folder=Path(sys.argv[1]), most_bytes=1 << 40)
    chance, following = random.Random(), store.following(1)  # noqa: S311
    while True:
        # Now and then a batch is sent anew, as by a runner that had no answer.
        first = max(1, following - chance.randrange(3))
        numbers = range(first, following + chance.randrange(1, 400))
        events = [{"at": "x", "kind": "stdout", "text": f"line {number}\n"} for number in numbers]
        following = store.append(1, first, events)
        sys.stdout.write(f"{following}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
