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
from machinelabs.runner.probe import Probe

KEY_SECONDS: Final = 60.0
"""So long a key is good."""

HEARD_SECONDS: Final = 4.0
"""So long a key may come before we hear of it: the site answers every two seconds."""

KERNEL_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 0.1


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
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(_say_if_failed)

    async def close(self) -> None:
        """Let nobody in any more."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        if self._opened is not None:
            await self._opened.close()

    async def _open(self) -> None:
        manager = await self._kernel()
        if manager is None or self._code is None:
            self._opening = None
            return
        # What it takes is large; few runs are ever looked into.
        from machinelabs.runner.lab import Lab  # noqa: PLC0415

        self._opened = lab = Lab(self._code, manager, self._keys, base=self._base)
        # The code would take a port that nobody listens at, and be what the person's browser finds.
        await lab.listen(self._probe.hand_over())

    async def _kernel(self) -> Any:
        """Return what manages the kernel; None: there is none, and none came."""
        end = time.monotonic() + KERNEL_SECONDS
        while time.monotonic() < end:
            if self._code is not None and (manager := self._code.kernel()) is not None:
                return manager
            await asyncio.sleep(LOOK_SECONDS)
        return None


def _say_if_failed(opening: asyncio.Task[None]) -> None:
    """Leave a word in the container's own log: the run itself goes on."""
    if not opening.cancelled() and (error := opening.exception()) is not None:
        traceback.print_exception(error)
