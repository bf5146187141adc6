"""How much memory this process takes more while something happens, by the kernel's own count."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_STATUS = Path("/proc/self/status")
_FORGET = Path("/proc/self/clear_refs")


@dataclass(slots=True)
class More:
    """The growth in KiB, once it is known."""

    kib: int = 0


@contextmanager
def peak_kib() -> Iterator[More]:
    """Measure how far the resident memory rises above what it is at the beginning."""
    more = More()
    # The kernel forgets the highest that it has seen.
    _FORGET.write_text("5")
    before = _status("VmRSS")
    yield more
    more.kib = _status("VmHWM") - before


def _status(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"the kernel does not tell {name}")
    return int(found[1])
