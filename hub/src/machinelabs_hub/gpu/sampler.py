"""Sample a machine's GPUs beside its engine: `python -m machinelabs_hub.gpu.sampler`.

NVIDIA's library blocks, and a dying card can make it block for long, so it has a process of its
own, and in it a thread of its own: what was known last can always be asked for.
"""

import logging
import os
import platform
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import uvicorn

from machinelabs_hub.gpu import cgroups
from machinelabs_hub.gpu.health import Failure, Watch
from machinelabs_hub.gpu.history import Ring
from machinelabs_hub.gpu.model import Health
from machinelabs_hub.gpu.nvml import Nvml, NvmlAway
from machinelabs_hub.gpu.reading import CardReading, ProcessReading, Reading
from machinelabs_hub.gpu.sample import CardSample, ContainerSample, ProcessSample, Sample
from machinelabs_hub.gpu.sampler_api import create_app
from machinelabs_hub.settings import load
from machinelabs_hub.sites import Addresses, Files

log = logging.getLogger("machinelabs.sampler")

INTERVAL: Final = 2.0
LATE: Final = 5
"""After so many intervals without a sample it is said that the library does not come back."""

_BURST: Final = 0.1
"""Errors come in bursts: so long after the first of them all cards are read anew."""


class Sampler:
    """Takes a sample every `INTERVAL` seconds, and at once when a card reports an error."""

    def __init__(self, *, interval: float = INTERVAL, on_outdated: Callable[[], None]) -> None:
        """Make a sampler.

        Args:
            interval: seconds from sample to sample.
            on_outdated: called where this process cannot talk to the driver any more, but a new
                one may: the driver came anew in another version.
        """
        self.cards = Ring(width=4)
        """uuid: SM use, memory, temperature, power."""
        self.containers = Ring(width=3)
        """Container and uuid, or empty for all: SM use, memory, CPU use."""
        self._interval = interval
        self._on_outdated = on_outdated
        self._nvml = Nvml()
        self._watch = Watch()
        self._computed: dict[str, datetime] = {}
        self._did_answer = False
        self._lock = threading.Lock()
        self._sample = Sample(at=datetime.now(UTC), node=platform.node(), is_told=False)

    @property
    def sample(self) -> Sample:
        """The last sample; it says so itself when it is old."""
        now, sample = datetime.now(UTC), self._sample
        late = now - sample.at
        if late < timedelta(seconds=LATE * self._interval):
            return sample
        fault = f"NVIDIA's library has not come back for {late.total_seconds():.0f} s."
        return sample.model_copy(update={"fault": fault, "is_told": False})

    def start(self) -> None:
        """Begin to sample on a thread that ends with the process."""
        threading.Thread(target=self._run, name="nvml", daemon=True).start()

    def card_points(self, uuid: str, begin: datetime) -> list[tuple[float, list[float | None]]]:
        """Return the past of a card."""
        with self._lock:
            return list(self.cards.since((uuid,), begin.timestamp()))

    def container_points(
        self, container: str, uuid: str, begin: datetime
    ) -> list[tuple[float, list[float | None]]]:
        """Return the past of a container: on one card, or on all if `uuid` is empty."""
        with self._lock:
            return list(self.containers.since((container, uuid), begin.timestamp()))

    def take(self, now: datetime) -> Sample:
        """Take one sample and keep it."""
        fault = ""
        try:
            reading = self._nvml.read()
            self._did_answer = True
            fault = " ".join(reading.silent)
            sample = self._judged(reading, fault, now)
        except NvmlAway as away:
            fault = str(away)
            sample = self._without(fault, now)
            if away.is_outdated and self._did_answer:
                self._on_outdated()
        if fault and fault != self._sample.fault:
            log.warning("%s", fault)
        with self._lock:
            self._remember(sample, before=self._sample)
        self._sample = sample
        return sample

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            self.take(datetime.now(UTC))
            self._wait(began + self._interval)

    def _wait(self, until: float) -> None:
        """Wait for the next sample's time; an error that ends a card brings it forward."""
        while (left := until - time.monotonic()) > 0:
            event = self._nvml.wait(left)
            if event is None:
                continue
            is_bad = self._watch.note(event, datetime.now(UTC))
            what = f"Xid {event.xid}" if event.xid else "a memory error"
            log.warning(
                "%s reported %s%s",
                event.uuid or "A card that is not named",
                what,
                "" if is_bad else " (harmless)",
            )
            if is_bad:
                until = min(until, time.monotonic() + _BURST)

    def _judged(self, reading: Reading, fault: str, now: datetime) -> Sample:
        failures = self._watch.judge(reading.cards, now)
        inside, others = _processes(reading.cards)
        counted = cgroups.counters()
        self._computed = {name: at for name, at in self._computed.items() if name in counted}
        self._computed |= {name: now for name, rows in inside.items() if _computes(rows)}
        return Sample(
            at=now,
            node=platform.node(),
            driver=reading.driver,
            cuda=reading.cuda,
            fault=fault,
            cards=tuple(_card(card, failures.get(card.uuid)) for card in reading.cards),
            containers=_containers(counted, inside, self._computed),
            others=tuple(others),
        )

    def _without(self, fault: str, now: datetime) -> Sample:
        """Return a sample of a moment at which the library as a whole does not answer."""
        blank = dict.fromkeys(("sm_percent", "memory_used_mib", "temperature_c", "power_w"))
        changes = {
            "at": now,
            "is_told": False,
            "fault": fault,
            "cards": tuple(card.model_copy(update=blank) for card in self._sample.cards),
            "containers": _containers(cgroups.counters(), {}, self._computed),
            "others": (),
        }
        return self._sample.model_copy(update=changes)

    def _remember(self, sample: Sample, *, before: Sample) -> None:
        at = sample.at.timestamp()
        self.cards.add(
            at,
            [
                (
                    (card.uuid,),
                    (card.sm_percent, card.memory_used_mib, card.temperature_c, card.power_w),
                )
                for card in sample.cards
            ],
        )
        seconds = (sample.at - before.at).total_seconds()
        rows: list[tuple[tuple[str, ...], Iterable[float | None]]] = []
        for name, container in sample.containers.items():
            cpu = _rate(before.containers.get(name), container, seconds)
            rows.append(((name, ""), (*_total(container.processes), cpu)))
            for uuid in {process.uuid for process in container.processes}:
                there = [row for row in container.processes if row.uuid == uuid]
                rows.append(((name, uuid), (*_total(there), cpu)))
        self.containers.add(at, rows)


def main(interval: float = INTERVAL) -> None:
    """Sample and answer until told to stop."""
    settings = load()
    logging.basicConfig(
        level=settings.logs.level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    sampler = Sampler(interval=interval, on_outdated=_end)
    sampler.start()
    where = urlsplit(Addresses(settings).sampler_local)
    uvicorn.run(
        create_app(sampler, token=Files(settings.data).secret("sampler_token")),
        host=where.hostname or "127.0.0.1",
        port=where.port or 0,
        log_level="warning",
        server_header=False,
        lifespan="off",
    )


def _end() -> None:
    # A library stays loaded as long as its process lives. Whoever keeps the site's processes
    # starts a new one, with the library that fits the driver.
    log.warning("The driver came anew in another version: the sampler starts anew, too.")
    os._exit(0)


def _card(card: CardReading, failure: Failure | None) -> CardSample:
    return CardSample(
        uuid=card.uuid,
        index=card.index,
        model=card.model,
        memory_mib=card.memory_mib,
        parent=card.parent,
        profile=card.profile,
        is_split=card.is_split,
        health=Health.FAILED if failure else Health.OK,
        why=failure.why if failure else "",
        failed_at=failure.at if failure else None,
        sm_percent=card.sm_percent,
        memory_used_mib=card.memory_used_mib,
        temperature_c=card.temperature_c,
        power_w=card.power_w,
    )


def _processes(
    cards: Iterable[CardReading],
) -> tuple[dict[str, list[ProcessSample]], list[ProcessSample]]:
    """Return the processes on cards by container, and those in none."""
    inside: dict[str, list[ProcessSample]] = {}
    others: list[ProcessSample] = []
    for card in cards:
        for process in card.processes:
            container = cgroups.container_of(process.pid)
            mine = inside.setdefault(container, []) if container else others
            mine.append(_process(process, card.uuid))
    return inside, others


def _process(process: ProcessReading, uuid: str) -> ProcessSample:
    return ProcessSample(
        pid=process.pid,
        inside_pid=cgroups.inside_pid(process.pid),
        uuid=uuid,
        memory_mib=process.memory_mib,
        sm_percent=process.sm_percent,
        name=cgroups.name_of(process.pid),
    )


def _computes(processes: Iterable[ProcessSample]) -> bool:
    return any(process.sm_percent for process in processes)


def _containers(
    counted: Mapping[str, cgroups.Counters],
    inside: Mapping[str, Iterable[ProcessSample]],
    computed: Mapping[str, datetime],
) -> dict[str, ContainerSample]:
    unknown = cgroups.Counters(None, None, None)
    found = {}
    for name in sorted({*counted, *inside}):
        row = counted.get(name, unknown)
        found[name] = ContainerSample(
            cpu_seconds=row.cpu_seconds,
            io_bytes=row.io_bytes,
            net_bytes=row.net_bytes,
            processes=tuple(inside.get(name, ())),
            computed_at=computed.get(name),
        )
    return found


def _total(processes: Iterable[ProcessSample]) -> tuple[float | None, float | None]:
    """Return the SM use and the memory of processes together; None where none of it is told."""
    rows = tuple(processes)
    uses = [row.sm_percent for row in rows if row.sm_percent is not None]
    memory = [row.memory_mib for row in rows if row.memory_mib is not None]
    return (sum(uses) if uses or not rows else None, sum(memory) if memory or not rows else None)


def _rate(before: ContainerSample | None, after: ContainerSample, seconds: float) -> float | None:
    if before is None or before.cpu_seconds is None or after.cpu_seconds is None or seconds <= 0:
        return None
    return round(100 * max(0.0, after.cpu_seconds - before.cpu_seconds) / seconds, 1)


if __name__ == "__main__":
    main()
