"""A container of the machine's engine that computes all the time, from a few kilobytes of C."""

import io
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

SOURCE = "int main(void) { volatile unsigned long turns = 0; for (;;) turns++; }\n"


@dataclass(frozen=True, slots=True)
class Spinner:
    """The container, and its one process as this machine numbers it."""

    container: str
    pid: int


@contextmanager
def spinner(folder: Path) -> Iterator[Spinner]:
    """Run the container until the block ends; its image goes, too."""
    image = f"t{uuid4().hex[:12]}"
    program = folder / "spinner"
    subprocess.run(
        ["gcc", "-static", "-x", "c", "-o", program, "-"], input=SOURCE.encode(), check=True
    )
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(program, "spinner")
    _docker("import", "-", image, given=packed.getvalue())
    try:
        container = _docker("run", "-d", "--cpus", "0.5", image, "/spinner")
        try:
            pid = int(_docker("inspect", "-f", "{{.State.Pid}}", container))
            yield Spinner(container, pid)
        finally:
            _docker("rm", "-f", container)
    finally:
        _docker("rmi", image)


def _docker(*arguments: str, given: bytes = b"") -> str:
    done = subprocess.run(["docker", *arguments], input=given, capture_output=True, check=True)
    return done.stdout.decode().strip()
