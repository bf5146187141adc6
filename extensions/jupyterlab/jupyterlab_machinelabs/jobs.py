"""Long work in the background, with progress, that can be cancelled."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from machinelabs.errors import HubError

KEPT_SECONDS: Final = 600
"""How long an ended job can still be asked about."""

MOST_LINES: Final = 2000


class Cancelled(HubError):
    """The person cancelled the job."""

    default_code = "cancelled"


@dataclass(slots=True)
class Job:
    """One piece of work. Its thread writes it, requests read it."""

    id: str
    kind: str
    total: int = 0
    done: int = 0
    state: str = "running"
    result: dict[str, Any] = field(default_factory=dict)
    code: str = ""
    message: str = ""
    lines: list[str] = field(default_factory=list)
    ended_at: float = 0.0
    on_cancel: Callable[[], None] | None = None
    _cancelled: threading.Event = field(default_factory=threading.Event)

    def advance(self, amount: int) -> None:
        """Count `amount` more as done.

        Raises:
            Cancelled: the person does not want it any more.
        """
        if self._cancelled.is_set():
            raise Cancelled("Cancelled. Nothing was published.")
        self.done += amount

    def say(self, line: str) -> None:
        """Add a line to the job's log; a very long log keeps its end."""
        self.lines.append(line)
        if len(self.lines) > MOST_LINES:
            del self.lines[: -MOST_LINES // 2]

    def cancel(self) -> None:
        """Ask the job to stop soon."""
        self._cancelled.set()
        if self.on_cancel:
            self.on_cancel()

    @property
    def is_cancelled(self) -> bool:
        """Whether someone asked it to stop."""
        return self._cancelled.is_set()

    def to_json(self) -> dict[str, Any]:
        """Return what the browser shows."""
        return {
            "id": self.id,
            "kind": self.kind,
            "state": self.state,
            "done": self.done,
            "total": self.total,
            "result": self.result,
            "code": self.code,
            "message": self.message,
            "lines": self.lines,
        }


class Jobs:
    """All jobs of this server."""

    def __init__(self, *, on_fault: Callable[[str], None]) -> None:
        self._jobs: dict[str, Job] = {}
        self._on_fault = on_fault

    @property
    def busy(self) -> bool:
        """Whether any job is running."""
        return any(job.state == "running" for job in self._jobs.values())

    def start(self, kind: str, work: Callable[[Job], dict[str, Any]]) -> Job:
        """Run `work` in a thread of its own; what it returns is the job's result."""
        self._forget_old()
        job = Job(id=secrets.token_urlsafe(12), kind=kind)
        self._jobs[job.id] = job
        threading.Thread(target=self._run, args=(job, work), name=kind, daemon=True).start()
        return job

    def get(self, job_id: str) -> Job | None:
        """Return a job, or None if it never was or ended long ago."""
        return self._jobs.get(job_id)

    def _run(self, job: Job, work: Callable[[Job], dict[str, Any]]) -> None:
        try:
            job.result = work(job)
            state = "done"
        except Cancelled as error:
            job.code, job.message, state = error.code, str(error), "cancelled"
        except HubError as error:
            job.code, job.message, state = error.code, str(error), "failed"
        # The border of a thread: what comes here is ours to mend, and the person must know.
        except Exception as error:  # noqa: BLE001
            self._on_fault(f"A {job.kind} failed: {type(error).__name__}: {error}")
            job.code, state = "fault", "failed"
            job.message = "Something failed here. Your files are as they were; try again."
        job.ended_at = time.monotonic()
        job.state = state

    def _forget_old(self) -> None:
        before = time.monotonic() - KEPT_SECONDS
        self._jobs = {
            job_id: job
            for job_id, job in self._jobs.items()
            if job.state == "running" or job.ended_at > before
        }
