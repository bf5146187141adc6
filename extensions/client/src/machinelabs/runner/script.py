"""Execute a Python script as a process of its own."""

import asyncio
import codecs
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from machinelabs.runner.code import environment
from machinelabs.runner.feed import Feed
from machinelabs.runner.parameters import arguments_of
from machinelabs.runner.processes import put_after_us
from machinelabs.runner.words import Ended, Reason, failed

PYTHON: Final = "python3"
PIECE: Final = 1 << 16
FULL: Final = 8 << 20
"""While the site is there and so much waits for it, what is printed has to wait too."""

LAST_WORDS: Final = 1 << 13


class Script:
    """One `python script.py --name=value`."""

    def __init__(
        self,
        path: Path,
        parameters: Mapping[str, Any],
        feed: Feed,
        pids: set[int],
        *,
        given: Mapping[str, str],
    ) -> None:
        self._path = path
        self._folder = path.parent
        self._given = given
        self._arguments = arguments_of(parameters)
        self._feed = feed
        self._pids = pids
        self._process: Process | None = None
        self._said = ""

    @property
    def name(self) -> str:
        """The name of its file."""
        return self._path.name

    async def run(self) -> Ended:
        """Execute it; return when it ended and nobody holds its output any more, or soon after."""
        self._process = process = await asyncio.create_subprocess_exec(
            PYTHON,
            str(self._path),
            *self._arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            cwd=self._folder,
            env=environment(self._folder, self._given),
            start_new_session=True,
        )
        self._pids.add(process.pid)
        put_after_us(process.pid)
        readers = [
            asyncio.create_task(self._read("stdout", process.stdout)),
            asyncio.create_task(self._read("stderr", process.stderr)),
        ]
        code = await process.wait()
        # What it left behind may hold its output open for as long as it likes.
        await asyncio.wait(readers, timeout=1)
        for reader in readers:
            reader.cancel()
        return self._ended(code)

    async def interrupt(self) -> None:
        """Ask it to stop, as Ctrl-C does."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGINT)

    def groups(self) -> tuple[int, ...]:
        """Return its process group."""
        return (self._process.pid,) if self._process else ()

    def executed(self) -> None:
        """Return None: there is no notebook."""
        return

    def kernel(self) -> None:
        """Return None: there is no kernel."""
        return

    async def close(self) -> None:
        """Do nothing: a script is over when it ended."""

    async def _read(self, stream: str, pipe: asyncio.StreamReader | None) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while pipe and (piece := await pipe.read(PIECE)):
            text = decoder.decode(piece)
            if stream == "stderr":
                self._said = (self._said + text)[-LAST_WORDS:]
            self._feed.print(stream, text)
            while self._feed.is_heard and self._feed.waiting > FULL:  # noqa: ASYNC110 - the feed tells nobody
                await asyncio.sleep(0.05)
        if rest := decoder.decode(b"", final=True):
            self._feed.print(stream, rest)

    def _ended(self, code: int) -> Ended:
        if code == 0:
            return Ended("finished")
        if code < 0:
            return failed(f"The script was ended by {_signal(-code)}.")
        _, mark, traceback = self._said.rpartition("Traceback (most recent call last):")
        if not mark:
            return failed(f"The script ended with exit code {code}.")
        lines = (mark + traceback).rstrip().splitlines()
        name, _, value = lines[-1].partition(": ")
        sentence = f"The script raised {name}{': ' if value else ''}{value}"
        return Ended("failed", Reason(sentence, None, name, value, tuple(lines)))


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
