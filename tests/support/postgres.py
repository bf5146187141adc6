"""A PostgreSQL server of the tests' own, from the distribution's programs."""

import os
import pwd
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server; every test takes a database of its own."""

    programs: Path
    port: int

    def new_database(self, *, like: str = "template1") -> str:
        """Make a database, a copy of the one at `like`, and return its address for SQLAlchemy."""
        name = f"t{uuid4().hex}"
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        copied = ["-T", like.rpartition("/")[2], name]
        subprocess.run([self.programs / "createdb", *where, *copied], check=True)
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"


def programs() -> Path | None:
    """Return the folder of PostgreSQL's server programs, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def running() -> Iterator[Postgres]:
    """Run a server in a folder of its own; skip the test where there is none to run."""
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL's server programs are not installed")
    # The server does not run as root, and must reach its folder.
    with tempfile.TemporaryDirectory(prefix="labs-postgres-") as made:
        data = Path(made) / "data"
        if os.geteuid() == 0:
            Path(made).chmod(0o755)
            user = pwd.getpwnam("postgres")
            os.chown(made, user.pw_uid, user.pw_gid)
        port = _free_port()
        _as_postgres(folder / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync")
        options = f"-p {port} -h 127.0.0.1 -k {made} -c fsync=off"
        log = Path(made) / "log"
        _as_postgres(folder / "pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start")
        try:
            yield Postgres(folder, port)
        finally:
            _as_postgres(folder / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def _as_postgres(*command: object) -> None:
    words = [str(word) for word in command]
    if os.geteuid() == 0:
        words = ["runuser", "-u", "postgres", "--", *words]
    subprocess.run(words, check=True, capture_output=True, cwd="/")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
