"""Say each step of a long command with its seconds, on the terminal and in DATA/logs/up.log."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

log = logging.getLogger("machinelabs.up")


class Steps:
    """The lines that a person sees while a site starts or stops."""

    def __init__(self, *, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the command began."""
        return time.monotonic() - self._began

    def say(self, line: str = "") -> None:
        """Write one line."""
        print(line, file=self._out, flush=True)
        if line:
            log.info(line)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Say `what` when the block is done, with the seconds it took."""
        began = time.monotonic()
        try:
            yield
        except BaseException:
            self.say(f"  {what} … stopped after {time.monotonic() - began:.1f} s")
            raise
        self.say(f"  {what} … {time.monotonic() - began:.1f} s")
