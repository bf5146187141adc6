"""What was measured on, and with which versions."""

import os
import platform
import statistics
import subprocess
import time
from datetime import UTC, datetime
from importlib.metadata import version

PACKAGES = ("jupyterhub", "dockerspawner", "jupyterlab", "fastapi", "sqlalchemy", "pygit2")


def facts() -> dict[str, str]:
    """Return the machine and the versions, as lines of the report."""
    engine = _said("docker", "version", "--format", "{{.Server.Version}}")
    commit = _said("git", "rev-parse", "--short", "HEAD")
    changed = "" if _said("git", "status", "--porcelain", "--untracked-files=no") == "" else "+"
    return {
        "Load before": f"{os.getloadavg()[0]:.1f}",
        "Date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "Commit": f"{commit}{changed}",
        "Processor": f"{os.cpu_count()} × {_processor()}",
        "Speed": f"ten million additions in {_speed():.2f} s",
        "Memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "Kernel": platform.release(),
        "Docker engine": engine,
        "Python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def _speed() -> float:
    """Return how long a loop takes: the same machine is half as fast in some hours of a cloud."""
    took = []
    for _ in range(5):
        began, total = time.perf_counter(), 0
        for number in range(10_000_000):
            total += number
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def _processor() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as info:  # noqa: PTH123 - not a file on a disk
        names = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
