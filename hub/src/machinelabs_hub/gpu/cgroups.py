"""From a process to its container, and what each container used, as the kernel counts it.

Both versions of control groups, and the names that Docker, containerd and CRI-O give with and
without systemd. Needs no engine and no rights beyond reading /proc and /sys.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
ROOT: Final = Path("/sys/fs/cgroup")

# docker/<id>, docker-<id>.scope, cri-containerd-<id>.scope, crio-<id>.scope
_FOLDER: Final = re.compile(r"^(?:[a-z-]+-)?([0-9a-f]{64})(?:\.scope)?$")
_DEPTH: Final = 8
_MICROSECONDS: Final = 1e6
_NANOSECONDS: Final = 1e9


@dataclass(frozen=True, slots=True)
class Counters:
    """What a container used since it began. None: this machine does not tell."""

    cpu_seconds: float | None
    io_bytes: int | None
    net_bytes: int | None


def container_of(pid: int, *, proc: Path = PROC) -> str:
    """Return the id of the container that a process is in; empty: in none, or it has ended."""
    for line in _read(proc / str(pid) / "cgroup").splitlines():
        path = line.split(":", 2)[-1]
        for part in path.split("/"):
            if found := _FOLDER.match(part):
                return found[1]
    return ""


def name_of(pid: int, *, proc: Path = PROC) -> str:
    """Return the name of a process; empty where it has ended."""
    return _read(proc / str(pid) / "comm").strip()


def inside_pid(pid: int, *, proc: Path = PROC) -> int:
    """Return a process's number in its container; the same number where it is in none."""
    for line in _read(proc / str(pid) / "status").splitlines():
        if line.startswith("NSpid:"):
            return int(line.split()[-1])
    return pid


def counters(*, root: Path = ROOT, proc: Path = PROC) -> dict[str, Counters]:
    """Return what each container of this machine used, by its id."""
    if (root / "cgroup.controllers").exists():
        return {name: _of_v2(folder, proc) for name, folder in _containers(root)}
    return {name: _of_v1(folder, root, proc) for name, folder in _containers(root / "cpuacct")}


def _of_v2(folder: Path, proc: Path) -> Counters:
    usage = _value(_read(folder / "cpu.stat"), "usage_usec")
    return Counters(
        cpu_seconds=None if usage is None else usage / _MICROSECONDS,
        io_bytes=_io_v2(folder / "io.stat"),
        net_bytes=_net(folder, proc),
    )


def _of_v1(folder: Path, root: Path, proc: Path) -> Counters:
    usage = _read(folder / "cpuacct.usage").strip()
    same = folder.relative_to(root / "cpuacct")
    counted = _value(_read(root / "blkio" / same / "blkio.throttle.io_service_bytes"), "Total")
    told = [figure for figure in (counted, _io_of_processes(folder, proc)) if figure is not None]
    return Counters(
        cpu_seconds=int(usage) / _NANOSECONDS if usage.isdigit() else None,
        io_bytes=max(told, default=None),
        net_bytes=_net(folder, proc),
    )


def _containers(folder: Path, depth: int = 0) -> Iterator[tuple[str, Path]]:
    try:
        inside = [entry for entry in folder.iterdir() if entry.is_dir()]
    except OSError:
        # A group may go while we look.
        return
    for entry in inside:
        if found := _FOLDER.match(entry.name):
            yield found[1], entry
        elif depth < _DEPTH:
            yield from _containers(entry, depth + 1)


def _io_v2(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii")
    except OSError:
        return None
    words = [word.partition("=") for word in text.split()]
    return sum(int(value) for key, _, value in words if key in {"rbytes", "wbytes"})


def _io_of_processes(folder: Path, proc: Path) -> int | None:
    """Return what the processes of a container moved from and to disks, by their own counts.

    Version 1 counts no write that waits in memory first, and newer kernels count in it only where
    a limit is set. What a process moved goes over to its parent when it has ended.
    """
    total = None
    for pid in _read(folder / "cgroup.procs").split():
        rows = (row.split(": ") for row in _read(proc / pid / "io").splitlines())
        moved = [int(row[1]) for row in rows if row[0] in {"read_bytes", "write_bytes"}]
        total = (total or 0) + sum(moved) if moved else total
    return total


def _net(folder: Path, proc: Path) -> int | None:
    """Return what went through the network of a container: that of any of its processes."""
    pid = _read(folder / "cgroup.procs").partition("\n")[0]
    rows = _read(proc / pid / "net" / "dev").splitlines()[2:] if pid else []
    total = None
    for row in rows:
        device, _, figures = row.partition(":")
        if device.strip() != "lo":
            columns = figures.split()
            total = (total or 0) + int(columns[0]) + int(columns[8])
    return total


def _value(text: str, key: str) -> int | None:
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if name == key:
            return int(value)
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
