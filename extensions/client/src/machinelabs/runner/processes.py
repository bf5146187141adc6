"""What the first process of a container owes the others: closed to them, it ends and reaps them."""

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Final

PR_SET_DUMPABLE: Final = 4
FIRST: Final = 1
REAP_SECONDS: Final = 1.0
LAST: Final = 19
FIRST_TO_GO: Final = 500
"""How much sooner than us the code is chosen when memory runs out."""


def close_to_others() -> None:
    """Keep this process's memory, environment and files from all others of the same user.

    Raises:
        OSError: the system would not.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "this process cannot be closed to others")


def is_first() -> bool:
    """Tell whether we are the container's first process: all others are the run's, then."""
    return os.getpid() == FIRST


def put_after_us(pid: int) -> None:
    """Let a process be ended before us where memory runs out, and wait for us for the processor.

    Processors are shared out between containers first, so that this costs the code nothing but in
    the moments in which we tell of it.
    """
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text(str(FIRST_TO_GO), encoding="ascii")
        if is_first():
            os.setpriority(os.PRIO_PROCESS, pid, LAST)


def end_all(groups: Iterable[int]) -> None:
    """Kill all that the code started; outside a container only these process groups."""
    if is_first():
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        return
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


async def reap(ours: set[int]) -> None:
    """Take up, for ever, the processes that nobody waits for; others wait for `ours`."""
    while is_first():
        _reap(ours)
        await asyncio.sleep(REAP_SECONDS)


def _reap(ours: set[int]) -> None:
    while (ended := _ended()) and ended not in ours:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(ended, os.WNOHANG)


def _ended() -> int:
    """Return a child that ended and was not taken up; 0: there is none."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return 0
    return found.si_pid if found else 0
