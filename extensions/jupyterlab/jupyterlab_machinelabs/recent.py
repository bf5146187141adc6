"""The labs that a person opened or published last, in a small file of their home."""

import json
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from machinelabs.links import write_whole
from machinelabs.models import Lab

MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Visit:
    """A lab, where its files lie, and when it was opened or published."""

    lab: str
    title: str
    path: str
    url: str
    at: str


class Recent:
    """Newest first. A damaged file is an empty one: nothing but convenience is in it."""

    def __init__(self, *, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()

    def list(self) -> list[Visit]:
        """Return the visits, newest first."""
        try:
            rows = json.loads(self._file.read_bytes())
            return [Visit(**row) for row in rows]
        except (OSError, ValueError, TypeError):
            return []

    def add(self, lab: Lab, path: str) -> None:
        """Put a visit in front."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        visit = Visit(lab.full_name, lab.title, path, lab.url, now)
        with self._lock:
            others = [old for old in self.list() if old.lab != visit.lab]
            rows: list[dict[str, Any]] = [asdict(row) for row in [visit, *others][:MOST]]
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                write_whole(self._file, json.dumps(rows).encode())
            except OSError:
                # A full disk must not fail what was published or laid before this.
                return
