"""The door of a run: opened for its person alone, it leads to JupyterLab with the run's kernel.

The site names keys that are good once and soon over, by their hashes. Whoever brings one gets a
cookie that this process alone can check; nothing of it is where the run's code can read it.
"""

import asyncio
import hashlib
import time
import traceback
from typing import Any, Final, Protocol

from machinelabs.runner.code import Code
from machinelabs.runner.probe import OPENING, Probe

KEY_SECONDS: Final = 60.0
"""So long a key is good."""

HEARD_SECONDS: Final = 4.0
"""So long a key may come before we hear of it: the site answers every two seconds."""

KERNEL_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 0.1


NO_KERNEL: Final = (
    "The kernel of this run did not begin within two minutes, so there is nothing to look into yet."
    " Wait until the run's page shows that a cell is executed, and choose <b>Look into it</b> there"
    " again."
)
NOT_OPENED: Final = (
    "This run could not be opened: JupyterLab did not begin in its container, which may have too "
    "little memory left, or no JupyterLab in its image. The run itself goes on. Choose <b>Look "
    "into it</b> on its page again; if it fails again, run the lab with a larger flavour or with "
    "another image."
)


class NoKernel(Exception):
    """There is none, and none came."""


class WantedToExit(Exception):
    """What was to open wanted to end the process, which is the run's."""


class Keys:
    """Hashes of the keys that open the door now; each opens it once."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._known: set[str] = set()

    def add(self, key_hash: str) -> bool:
        """Take a hash that the site names; return whether it is a new one."""
        if key_hash in self._known:
            return False
        self._known.add(key_hash)
        self._until[key_hash] = time.monotonic() + KEY_SECONDS
        return True

    def take(self, key: str) -> bool:
        """Tell whether a key is good, which it is not any more then."""
        until = self._until.pop(hashlib.sha256(key.encode("utf-8", "replace")).hexdigest(), None)
        return until is not None and time.monotonic() < until

    async def wait_for(self, key: str) -> bool:
        """Take a key, of which the site may be about to tell."""
        end = time.monotonic() + HEARD_SECONDS
        while not (is_good := self.take(key)) and time.monotonic() < end:  # noqa: ASYNC110 - two tell
            await asyncio.sleep(LOOK_SECONDS)
        return is_good


class Opened(Protocol):
    """A server that is open."""

    async def close(self) -> None:
        """Let nobody in any more."""
        ...


class Door:
    """Closed until the site names a key.

    Args:
        probe: what listens until then, and answers the Hub.
        base: the address of the run's server of the Hub, with a slash at its end.
    """

    def __init__(self, probe: Probe, base: str) -> None:
        self._probe = probe
        self._base = base
        self._keys = Keys()
        self._opening: asyncio.Task[None] | None = None
        self._opened: Opened | None = None
        self._code: Code | None = None

    def lead_to(self, code: Code) -> None:
        """Lead to the kernel of this code, once there is one."""
        self._code = code

    def offer(self, key_hash: str) -> None:
        """Let in whoever brings the key of this hash, soon."""
        if self._keys.add(key_hash) and self._opening is None:
            self._probe.say(OPENING)
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(self._say_if_failed)

    async def close(self) -> None:
        """Let nobody in any more."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        if self._opened is not None:
            await self._opened.close()

    async def _open(self) -> None:
        code, manager = await self._kernel()
        # What it takes is large; few runs are ever looked into.
        from machinelabs.runner.lab import Lab  # noqa: PLC0415

        try:
            self._opened = lab = Lab(code, manager, self._keys, base=self._base)
            # The code would take a port that nobody listens at, and be what a browser finds.
            await lab.listen(self._probe.hand_over)
        except SystemExit as error:
            raise WantedToExit from error

    async def _kernel(self) -> tuple[Code, Any]:
        """Return the code, and what manages its kernel.

        Raises:
            NoKernel: there is none, and none came.
        """
        end = time.monotonic() + KERNEL_SECONDS
        while time.monotonic() < end:
            if self._code is not None and (manager := self._code.kernel()) is not None:
                return self._code, manager
            await asyncio.sleep(LOOK_SECONDS)
        raise NoKernel

    def _say_if_failed(self, opening: asyncio.Task[None]) -> None:
        """Tell who waits, and the container's own log; the run itself goes on."""
        if opening.cancelled() or (error := opening.exception()) is None:
            return
        self._opening = None
        if isinstance(error, NoKernel):
            self._probe.say(NO_KERNEL)
        else:
            self._probe.say(NOT_OPENED)
            traceback.print_exception(error)
