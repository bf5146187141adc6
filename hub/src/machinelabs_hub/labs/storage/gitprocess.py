"""Run the git binary: by itself alone, with nobody's configuration, hooks or environment."""

import os
import resource
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, cast

PIECE: Final = 1 << 18

ENVIRONMENT: Final = {
    "PATH": os.defpath,
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
"""All that a git process finds; what this process was started with is not for it."""

_SETTINGS: Final = (
    "core.hooksPath=/dev/null",
    # A larger file is streamed, neither held in memory nor searched for likeness.
    "core.bigFileThreshold=8m",
    "pack.threads=1",
    "pack.windowMemory=64m",
    "pack.deltaCacheSize=32m",
    "gc.auto=0",
    "maintenance.auto=false",
)
_MEMORY: Final = 4 << 30
"""Address space that one process may take: content made to fill the memory ends there."""


def command(git_dir: Path, *words: str, settings: Sequence[str] = ()) -> list[str]:
    """Return the command line of git in the repository `git_dir`."""
    return ["git", *options(settings), "--git-dir", str(git_dir), *words]


def options(settings: Sequence[str] = ()) -> Iterator[str]:
    """Return git's own options, before its order."""
    for setting in (*_SETTINGS, *settings):
        yield from ("-c", setting)


def start(command_line: list[str], **pipes: Any) -> subprocess.Popen[bytes]:
    """Start git; `pipes` are stdin, stdout and stderr, nothing where they are not named."""
    nothing = subprocess.DEVNULL
    where = {"stdin": nothing, "stdout": nothing, "stderr": nothing} | pipes
    process = cast(
        "subprocess.Popen[bytes]", subprocess.Popen(command_line, env=ENVIRONMENT, **where)
    )
    confine(process.pid)
    return process


def confine(pid: int) -> None:
    """Limit the memory of a process that was started just now."""
    with suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def ask(git_dir: Path, *words: str, said: str = "", seconds: int = 600) -> bytes:
    """Return what git answers.

    Raises:
        subprocess.CalledProcessError: it refused; `stderr` says why.
        subprocess.TimeoutExpired: it took too long and was ended.
    """
    done = subprocess.run(
        command(git_dir, *words),
        input=said.encode(),
        capture_output=True,
        env=ENVIRONMENT,
        timeout=seconds,
        check=True,
    )
    return done.stdout


def blob_pieces(git_dir: Path, blob: str) -> Iterator[bytes]:
    """Return a blob piece by piece; it is never whole in memory."""
    with start(command(git_dir, "cat-file", "blob", blob), stdout=subprocess.PIPE) as git:
        try:
            pipe = cast("BinaryIO", git.stdout)
            while piece := pipe.read(PIECE):
                yield piece
        finally:
            git.kill()


def copy_objects(source: Path, target: Path, wanted: str, *, durable: bool = False) -> None:
    """Copy objects from one repository to another, through a pipe.

    Args:
        source: where they are.
        target: where they are put, as one pack.
        wanted: what `git pack-objects --revs` reads: ids, one a line, `^` before those that
            the target has.
        durable: force them to the disk.

    Raises:
        subprocess.CalledProcessError: one of both ended badly; the target has none of them.
    """
    pack = command(source, *_PACK, settings=_QUICK)
    settings = () if durable else ("core.fsync=none",)
    take = command(target, "index-pack", "--stdin", settings=settings)
    pipe = subprocess.PIPE
    with start(pack, stdin=pipe, stdout=pipe) as giver:
        with start(take, stdin=giver.stdout) as taker:
            cast("IO[bytes]", giver.stdout).close()
            giving = cast("IO[bytes]", giver.stdin)
            with suppress(BrokenPipeError):
                giving.write(wanted.encode())
                giving.close()
        for process in (giver, taker):
            if process.wait():
                raise subprocess.CalledProcessError(process.returncode, process.args)


_QUICK: Final = ("pack.compression=1", "core.bigFileThreshold=512k")
_PACK: Final = ("pack-objects", "--revs", "--stdout", "--quiet", "--delta-base-offset")
