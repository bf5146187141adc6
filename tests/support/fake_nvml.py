"""A stand-in for NVIDIA's library: real C behind nvidia-ml-py's real border, told by a file."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path(__file__).with_name("nvml") / "nvml.c"
NEED = Path(__file__).resolve().parents[2] / "scripts" / "need"
LIBRARY = "libnvidia-ml.so.1"
STATE = "FAKE_NVML_STATE"
MIB = 2**20

XID, DOUBLE_BIT = 8, 2
GPU_IS_LOST, RESET_REQUIRED, DRIVER_NOT_LOADED, VERSION_MISMATCH, UNKNOWN = 15, 16, 9, 18, 999


@dataclass
class FakeProcess:
    pid: int
    memory_mib: int = 0
    sm: int = 0


@dataclass
class FakeInstance:
    """A MIG instance; `slices` 0 is an empty slot."""

    uuid: str
    name: str
    total_mib: int
    used_mib: int = 0
    slices: int = 1
    instance: int = 1
    sm: int = 0
    processes: list[FakeProcess] = field(default_factory=list)


@dataclass
class FakeCard:
    uuid: str
    name: str = "NVIDIA A100-SXM4-40GB"
    total_mib: int = 40960
    used_mib: int = 0
    sm: int = 0
    temperature: int = 35
    power: int = 60
    mig: int = -1
    """-1: the card knows no MIG; 0: off; 1: on."""
    ecc: int = 1
    gpm: int = 0
    """1: the driver tells how much each instance computes, as from Hopper on."""
    uncorrected: int = 0
    remap_pending: int = 0
    remap_failed: int = 0
    recovery: int = 0
    error: int = 0
    """What each call about the card answers, e.g. that it is lost."""
    handle_error: int = 0
    instances: list[FakeInstance] = field(default_factory=list)
    processes: list[FakeProcess] = field(default_factory=list)


@dataclass
class FakeNvml:
    """The machine's cards. Change what you like, then `tell()`."""

    library: Path
    state: Path
    cards: list[FakeCard] = field(default_factory=list)
    driver: str = "580.95.05"
    cuda: int = 13000
    init_error: int = 0
    any_error: int = 0
    hangs: int = 0
    _events: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to find this library."""
        return {"LD_LIBRARY_PATH": str(self.library.parent), STATE: str(self.state)}

    def tell(self) -> None:
        """Write the state; the library sees it at its next call."""
        lines = [
            _line(
                "system",
                driver=self.driver,
                cuda=self.cuda,
                init_error=self.init_error,
                any_error=self.any_error,
                hangs=self.hangs,
            )
        ]
        count = 0
        for at, card in enumerate(self.cards):
            lines.append(_line("gpu", **_fields(card)))
            lines += [_line("process", gpu=at, **_fields(process)) for process in card.processes]
            for instance in card.instances:
                lines.append(_line("mig", gpu=at, **_fields(instance)))
                lines += [
                    _line("process", mig=count, **_fields(process))
                    for process in instance.processes
                ]
                count += 1
        # Put in place whole: the library may look at any moment.
        aside = self.state.with_suffix(".new")
        aside.write_text("\n".join([*lines, *self._events, ""]), encoding="utf-8")
        aside.replace(self.state)

    def happen(self, card: int, xid: int = 0, *, kind: int = XID) -> None:
        """Let a card report an event."""
        seq = len(self._events) + 1
        self._events.append(_line("event", seq=seq, gpu=card, type=kind, data=xid))
        self.tell()


def _line(word: str, **fields: object) -> str:
    return "\t".join([word, *(f"{key}={value}" for key, value in fields.items())])


def _fields(thing: FakeCard | FakeInstance | FakeProcess) -> dict[str, object]:
    values = {key: value for key, value in vars(thing).items() if not isinstance(value, list)}
    return {
        key.removesuffix("_mib"): value * MIB if key.endswith("_mib") else value
        for key, value in values.items()
    }


def build(folder: Path) -> Path:
    """Compile the library into `folder`; install the compiler where there is none."""
    if shutil.which("gcc") is None:
        subprocess.run([NEED, "gcc=gcc,libc6-dev"], check=True)
    library = folder / LIBRARY
    command = ["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread"]
    command += [f"-Wl,-soname,{LIBRARY}", "-o", str(library), str(SOURCE)]
    subprocess.run(command, check=True, capture_output=True)
    return library


@contextmanager
def in_this_process(nvml: FakeNvml) -> Iterator[FakeNvml]:
    """Let this very process find the stand-in under the library's name."""
    # The loader gives what is loaded already to whoever asks for it by its name.
    ctypes.CDLL(str(nvml.library), mode=ctypes.RTLD_GLOBAL)
    before = os.environ.get(STATE)
    os.environ[STATE] = str(nvml.state)
    try:
        yield nvml
    finally:
        if before is None:
            del os.environ[STATE]
        else:
            os.environ[STATE] = before
