"""Which ports a site listens on, whether they are free, and who holds one that is not."""

import errno
import socket
from collections.abc import Iterator
from pathlib import Path

from machinelabs_hub.errors import SetupError
from machinelabs_hub.settings import Settings


class PortBusy(SetupError):
    """Something else listens where the site wants to."""

    code = "port_busy"


class AddressMissing(SetupError):
    """This machine has no such address."""

    code = "address_missing"


def wanted(settings: Settings) -> list[tuple[str, int, str]]:
    """Return address, port and purpose of each listener but the containers' door."""
    port, local = settings.site.port, "127.0.0.1"
    return [
        (settings.site.bind, port, "the site"),
        (local, port + 1, "the proxy's API"),
        (local, port + 2, "the hub"),
        (local, port + 3, "the labs service"),
        (local, port + 5, "the API of the containers' door"),
        (local, port + 6, "the sampler of GPUs"),
    ]


def check_free(settings: Settings) -> None:
    """Return if every port of the site is free.

    Raises:
        PortBusy: names the port, and who listens there if that can be seen.
        AddressMissing: `site.bind` is no address of this machine.
    """
    for address, port, purpose in wanted(settings):
        fault = try_listen(address, port)
        if fault == errno.EADDRINUSE:
            raise PortBusy(
                f"Port {port}, wanted for {purpose}, is in use{_by(port)}. "
                "Stop that program, or choose another port with PORT=."
            )
        if fault == errno.EACCES:
            raise PortBusy(f"You may not listen on port {port}. Choose one above 1023 with PORT=.")
        if fault:
            raise AddressMissing(
                f"{address} is no address of this machine, so the site cannot listen there. "
                "Change `site.bind`; 127.0.0.1 is this machine alone, 0.0.0.0 every address."
            )


def try_listen(address: str, port: int) -> int:
    """Return 0 if a program could listen at `address` and `port`, else the `errno`."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except OSError as error:
            return error.errno or errno.EINVAL
    return 0


def who_listens(port: int) -> str:
    """Return `name (process id)` of who listens on `port`, or nothing if it cannot be seen."""
    inodes = set(_listening_inodes(port))
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and inodes & set(_socket_inodes(process)):
            name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
            return f"{name} (process {process.name})"
    return ""


def _by(port: int) -> str:
    who = who_listens(port)
    return f" by {who}" if who else ""


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            # 0A is the state LISTEN; the local address is hexadecimal.
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _socket_inodes(process: Path) -> Iterator[str]:
    try:
        for link in (process / "fd").iterdir():
            target = str(link.readlink())
            if target.startswith("socket:["):
                yield target[8:-1]
    except OSError:
        # It ended meanwhile, or it is not ours to look into.
        return
