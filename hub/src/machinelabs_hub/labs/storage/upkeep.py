"""Keep a git repository small: pack what is loose, remove what nothing leads to any more.

Nothing that a ref leads to is ever removed, nor anything that was written within a day: what a
publish or a push brought in is not yet under a ref.
"""

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

from machinelabs_hub.labs.storage import gitprocess

MOST_LOOSE: Final = 1000
"""Loose objects from which a repository is packed; each takes a block of the disk."""

MOST_PACKS: Final = 20
_SAMPLE: Final = "17"
"""Ids are as good as random, so one of their 256 folders tells of all."""

_OLD: Final = "1.day.ago"
_SECONDS: Final = 3600
_GENTLY: Final = 10


def needs_packing(path: Path, *, most_loose: int = MOST_LOOSE) -> bool:
    """Tell whether a repository has many loose objects or many packs."""
    if sum(256 for _ in (path / "objects").glob(f"{_SAMPLE}/*")) > most_loose:
        return True
    return sum(1 for _ in (path / "objects" / "pack").glob("*.pack")) > MOST_PACKS


def pack(path: Path) -> None:
    """Put all that refs lead to into one pack; what nothing leads to stays, loose.

    Raises:
        subprocess.SubprocessError: git refused; everything is as it was.
    """
    _run(path, "repack", "-d", "-A", "-l", "-q")


def prune(path: Path, *, older: str = _OLD) -> int:
    """Remove loose objects that nothing leads to and nobody wrote lately; return how many.

    Raises:
        subprocess.SubprocessError: git refused; everything is as it was.
    """
    left = gitprocess.ask(path, "prune", "-n", f"--expire={older}", seconds=_SECONDS)
    count = len(left.splitlines())
    if count:
        _run(path, "prune", f"--expire={older}")
    return count


def _run(path: Path, *words: str) -> None:
    line = gitprocess.command(path, *words)
    with gitprocess.start(line) as git:
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, git.pid, _GENTLY)
        try:
            code = git.wait(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            git.kill()
            raise
    if code:
        raise subprocess.CalledProcessError(code, line)
