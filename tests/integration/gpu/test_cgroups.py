"""Control groups of version 2 as this machine's kernel writes them."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from machinelabs_hub.gpu import cgroups

ROOTS = (cgroups.ROOT, cgroups.ROOT / "unified")


@pytest.fixture
def root() -> Path:
    """Where this machine has version 2, alone or beside version 1."""
    found = next((root for root in ROOTS if (root / "cgroup.controllers").exists()), None)
    if found is None or os.geteuid() != 0:
        pytest.skip("this machine has no control groups of version 2, or we may not make one")
    return found


@pytest.fixture
def container(root: Path) -> Iterator[tuple[str, int]]:
    """A group named as systemd names a container's, and a busy process in it."""
    name = uuid4().hex * 2
    group = root / f"docker-{name}.scope"
    group.mkdir()
    process = subprocess.Popen(["sh", "-c", "while :; do :; done"])
    try:
        (group / "cgroup.procs").write_text(str(process.pid))
        yield name, process.pid
    finally:
        process.kill()
        process.wait()
        # The kernel lets go of it a moment after its last process.
        for _ in range(50):
            with suppress(OSError):
                group.rmdir()
                break
            time.sleep(0.1)


def test_a_process_is_found_with_what_its_group_used(
    root: Path, container: tuple[str, int]
) -> None:
    name, pid = container
    assert cgroups.container_of(pid) == name
    before = cgroups.counters(root=root)[name].cpu_seconds
    time.sleep(1)
    after = cgroups.counters(root=root)[name].cpu_seconds
    assert before is not None
    assert after is not None
    assert 0 < after - before < 1.5
