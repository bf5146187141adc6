"""How much processor and memory this container uses, read where the kernel tells it."""

import time
from pathlib import Path
from typing import Any, Final

MIB: Final = 1 << 20
ROOT: Final = Path("/sys/fs/cgroup")


class Usage:
    """Looks at the container's own counters; what the machine does not tell is left out."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self._before: tuple[float, float] | None = None
        self._killed = self._kills()

    def look(self) -> dict[str, Any]:
        """Return cores used since the last look (`cpu`) and memory now (`memory_mib`).

        What the kernel keeps of files, and gives away when somebody wants the memory, is left out.
        """
        found: dict[str, Any] = {}
        seconds, now = self._cpu_seconds(), time.monotonic()
        if seconds is not None:
            if self._before and now > self._before[1]:
                used = (seconds - self._before[0]) / (now - self._before[1])
                found["cpu"] = round(max(used, 0.0), 2)
            self._before = (seconds, now)
        memory = self._number("memory.current", "memory/memory.usage_in_bytes")
        if memory is not None:
            kept = self._field("memory.stat", "inactive_file")
            if kept is None:
                kept = self._field("memory/memory.stat", "total_inactive_file")
            found["memory_mib"] = max(memory - (kept or 0), 0) // MIB
        return found

    def ran_out_of_memory(self) -> bool:
        """Tell whether the kernel ended a process of this container for want of memory."""
        return self._kills() > self._killed

    def _cpu_seconds(self) -> float | None:
        micro = self._field("cpu.stat", "usage_usec")
        if micro is not None:
            return micro / 1e6
        nano = self._number("cpuacct/cpuacct.usage")
        return None if nano is None else nano / 1e9

    def _kills(self) -> int:
        for name in ("memory.events", "memory/memory.oom_control"):
            kills = self._field(name, "oom_kill")
            if kills is not None:
                return kills
        return 0

    def _number(self, *names: str) -> int | None:
        for name in names:
            try:
                return int((self._root / name).read_text(encoding="ascii"))
            except (OSError, ValueError):
                continue
        return None

    def _field(self, name: str, field: str) -> int | None:
        try:
            lines = (self._root / name).read_text(encoding="ascii").splitlines()
            return next(int(line.split()[1]) for line in lines if line.split()[0] == field)
        except (OSError, ValueError, IndexError, StopIteration):
            return None
