"""Long work in the background."""

import threading
import time

from jupyterlab_machinelabs.jobs import Job, Jobs
from machinelabs.errors import Conflict


def ended(job: Job) -> Job:
    until = time.monotonic() + 5
    while job.state == "running" and time.monotonic() < until:
        time.sleep(0.01)
    return job


def test_a_job_that_is_done_gives_its_result() -> None:
    jobs = Jobs(on_fault=print)
    job = ended(jobs.start("x", lambda job: {"id": job.id}))
    assert (job.state, job.result) == ("done", {"id": job.id})
    assert jobs.get(job.id) is job
    assert not jobs.busy


def test_an_error_of_ours_is_its_sentence() -> None:
    def work(_: Job) -> dict[str, object]:
        raise Conflict("Another was first.", code="stale_revision")

    job = ended(Jobs(on_fault=print).start("x", work))
    assert (job.state, job.code, job.message) == ("failed", "stale_revision", "Another was first.")


def test_a_fault_of_ours_is_logged_and_told_without_its_inside() -> None:
    faults: list[str] = []
    job = ended(Jobs(on_fault=faults.append).start("x", lambda _: {"y": 1 // 0}))
    assert job.state == "failed"
    assert "Zero" not in job.message
    assert "ZeroDivisionError" in faults[0]


def test_a_cancelled_job_stops_at_its_next_step() -> None:
    begun = threading.Event()

    def work(job: Job) -> dict[str, object]:
        begun.set()
        while True:
            job.advance(1)
            time.sleep(0.001)

    jobs = Jobs(on_fault=print)
    job = jobs.start("x", work)
    begun.wait(5)
    assert jobs.busy
    job.cancel()
    assert ended(job).state == "cancelled"
    assert "Nothing was published" in job.message


def test_a_long_log_keeps_its_end() -> None:
    job = Job("id", "x")
    for number in range(5000):
        job.say(str(number))
    assert len(job.lines) <= 2001
    assert job.lines[-1] == "4999"
