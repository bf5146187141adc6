"""The one door to NVIDIA's library (NVML): read every card, wait for errors. It blocks."""

import ctypes
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

import pynvml

from machinelabs_hub.errors import Unavailable
from machinelabs_hub.gpu.reading import CardEvent, CardReading, ProcessReading, Reading, Trouble

MIB: Final = 2**20
LIBRARY: Final = "libnvidia-ml.so.1"

_EVENTS: Final = (pynvml.nvmlEventTypeXidCriticalError, pynvml.nvmlEventTypeDoubleBitEccError)
_TROUBLES: Final = {
    pynvml.NVML_ERROR_GPU_IS_LOST: Trouble.LOST,
    pynvml.NVML_ERROR_GPU_NOT_FOUND: Trouble.LOST,
    pynvml.NVML_ERROR_RESET_REQUIRED: Trouble.RESET_REQUIRED,
}
_OF_THE_WHOLE: Final = {
    pynvml.NVML_ERROR_UNINITIALIZED,
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH,
}
"""Errors that say nothing about one card: the driver went, or came anew."""
_SENTENCES: Final = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: "NVIDIA's library is not installed on this machine.",
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "NVIDIA's driver is not loaded.",
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "NVIDIA's library and driver differ in version: "
    "restart the machine, or load the new driver.",
    pynvml.NVML_ERROR_NO_PERMISSION: "The site may not ask NVIDIA's driver.",
}
_FIRST_LOOK_BACK: Final = 2_000_000
"""Microseconds of processes' use that the first reading looks at."""


class NvmlAway(Unavailable):
    """NVIDIA's library or driver does not answer as a whole."""

    code = "nvml_away"
    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, error: pynvml.NVMLError) -> None:
        said = f"NVIDIA's driver does not answer: {error}."
        super().__init__(_SENTENCES.get(error.value, said))
        self.is_outdated = error.value == pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH
        """The library of this process is of another version than the driver that runs now."""


def is_installed() -> bool:
    """Return whether this machine has NVIDIA's library; no driver is asked."""
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return False
    return True


class Nvml:
    """The library, opened when needed and again after it failed. For one thread."""

    def __init__(self) -> None:
        self._is_open = False
        self._events: Any = None
        self._watched: dict[int, str] = {}
        """Address of a card's handle: its uuid."""
        self._known: dict[int, tuple[CardReading, ...]] = {}
        """Index of a card: it and its instances, as it last said."""
        self._instances = _InstanceUse()
        self._seen: dict[str, int] = {}
        """Uuid of a card: time of the newest sample of its processes' use."""

    def read(self) -> Reading:
        """Return what all cards say now.

        Raises:
            NvmlAway: the library as a whole fails; the next call tries again.
        """
        try:
            self._open()
            cards: list[CardReading] = []
            silent: list[str] = []
            for index in range(pynvml.nvmlDeviceGetCount()):
                found = self._card(index)
                cards += found
                if not found:
                    silent.append(f"Card {index} does not answer.")
            return Reading(_driver(), _cuda(), tuple(cards), tuple(silent))
        except pynvml.NVMLError as error:
            self.close()
            raise NvmlAway(error) from error

    def wait(self, seconds: float) -> CardEvent | None:
        """Return the next error that a card reports, or None after `seconds`."""
        if self._events is None:
            time.sleep(seconds)
            return None
        began = time.monotonic()
        try:
            data = pynvml.nvmlEventSetWait_v2(self._events, int(seconds * 1000))
        except pynvml.NVMLError_Timeout:
            return None
        except pynvml.NVMLError:
            # It answers so at once while a card is lost; the next reading says which one is.
            time.sleep(max(0.0, seconds - (time.monotonic() - began)))
            return None
        is_xid = data.eventType == pynvml.nvmlEventTypeXidCriticalError
        return CardEvent(self._named(data.device), int(data.eventData) if is_xid else 0)

    def close(self) -> None:
        """Let go of the library; a later `read` opens it again."""
        if not self._is_open:
            return
        self._is_open = False
        with suppress(pynvml.NVMLError):
            if self._events is not None:
                pynvml.nvmlEventSetFree(self._events)
        self._instances.forget()
        with suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()
        self._events = None
        self._watched.clear()

    def _open(self) -> None:
        if self._is_open:
            return
        pynvml.nvmlInit()
        self._is_open = True
        self._events = _told(pynvml.nvmlEventSetCreate)

    def _card(self, index: int) -> tuple[CardReading, ...]:
        """Return a card and its instances; nothing where it never answered."""
        try:
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            found = tuple(self._parts(handle, index))
        except pynvml.NVMLError as error:
            if error.value in _OF_THE_WHOLE:
                raise
            trouble = _TROUBLES.get(error.value, Trouble.SILENT)
            return tuple(
                replace(
                    card, trouble=trouble, processes=(), sm_percent=None, memory_used_mib=None,
                    temperature_c=None, power_w=None,
                )
                for card in self._known.get(index, ())
            )  # fmt: skip
        self._known[index] = found
        return found

    def _parts(self, handle: Any, index: int) -> Iterator[CardReading]:
        uuid: str = pynvml.nvmlDeviceGetUUID(handle)
        self._watch(handle, uuid)
        is_split = bool((_told(pynvml.nvmlDeviceGetMigMode, handle) or [0])[0])
        memory = _memory(handle)
        rates = _told(pynvml.nvmlDeviceGetUtilizationRates, handle)
        power = _told(pynvml.nvmlDeviceGetPowerUsage, handle)
        rows = _told(pynvml.nvmlDeviceGetRemappedRows, handle) or (0, 0, 0, 0)
        yield CardReading(
            uuid=uuid,
            index=index,
            model=pynvml.nvmlDeviceGetName(handle),
            memory_mib=memory.total // MIB,
            is_split=is_split,
            sm_percent=None if rates is None else rates.gpu,
            memory_used_mib=memory.used // MIB,
            temperature_c=_told(
                pynvml.nvmlDeviceGetTemperature, handle, pynvml.NVML_TEMPERATURE_GPU
            ),
            power_w=None if power is None else round(power / 1000),
            recovery=_recovery(handle),
            remapping_failed=bool(rows[3]),
            uncorrected=_uncorrected(handle),
            processes=() if is_split else tuple(self._processes(handle, uuid)),
        )
        if is_split:
            for instance in _instances(handle):
                yield self._instance(instance, handle, uuid, index)

    def _instance(self, handle: Any, card: Any, parent: str, index: int) -> CardReading:
        model, _, profile = pynvml.nvmlDeviceGetName(handle).partition(" MIG ")
        memory = _memory(handle)
        uuid: str = pynvml.nvmlDeviceGetUUID(handle)
        use = self._instances.of(uuid, handle, card)
        return CardReading(
            uuid=uuid,
            index=index,
            model=model,
            memory_mib=memory.total // MIB,
            parent=parent,
            profile=profile or _profile(handle, memory.total),
            sm_percent=use,
            memory_used_mib=memory.used // MIB,
            processes=_with_use(tuple(self._processes(handle, uuid)), use),
        )

    def _processes(self, handle: Any, uuid: str) -> Iterator[ProcessReading]:
        use = self._use(handle, uuid)
        found = {
            row.pid: row
            for ask in (
                pynvml.nvmlDeviceGetMPSComputeRunningProcesses_v3,
                pynvml.nvmlDeviceGetComputeRunningProcesses_v3,
            )
            for row in _told(ask, handle) or ()
        }
        for pid, row in sorted(found.items()):
            memory = None if row.usedGpuMemory is None else row.usedGpuMemory // MIB
            yield ProcessReading(pid, memory, None if use is None else use.get(pid, 0))

    def _use(self, handle: Any, uuid: str) -> dict[int, int] | None:
        """Return how much each process computed since the last reading; None: not told."""
        since = self._seen.get(uuid) or int(time.time() * 1_000_000) - _FIRST_LOOK_BACK
        try:
            samples = pynvml.nvmlDeviceGetProcessUtilization(handle, since)
        except pynvml.NVMLError_NotFound:
            # Nothing computed.
            return {}
        except pynvml.NVMLError as error:
            if error.value in _TROUBLES:
                raise
            return None
        uses: dict[int, list[int]] = {}
        for row in samples:
            # The driver leaves rows of its buffer empty, or fills them with what is no percentage.
            if row.pid and row.timeStamp > since and row.smUtil <= 100:  # noqa: PLR2004
                uses.setdefault(row.pid, []).append(row.smUtil)
        self._seen[uuid] = max([since, *(int(row.timeStamp) for row in samples)])
        return {pid: round(sum(percents) / len(percents)) for pid, percents in uses.items()}

    def _watch(self, handle: Any, uuid: str) -> None:
        address = _address(handle)
        if self._events is None or self._watched.get(address) == uuid:
            return
        self._watched[address] = uuid
        supported = _told(pynvml.nvmlDeviceGetSupportedEventTypes, handle) or 0
        wanted = sum(kind for kind in _EVENTS if supported & kind)
        if wanted:
            _told(pynvml.nvmlDeviceRegisterEvents, handle, wanted, self._events)

    def _named(self, handle: Any) -> str:
        # A card that is lost does not say its name any more.
        known = self._watched.get(_address(handle))
        return known or _told(pynvml.nvmlDeviceGetUUID, handle) or ""


class _InstanceUse:
    """How much each MIG instance computed between two looks; only Hopper and newer tell."""

    def __init__(self) -> None:
        self._last: dict[str, Any] = {}

    def of(self, uuid: str, instance: Any, card: Any) -> int | None:
        """Return the percentage of the time since the last look; None: not told."""
        number = _told(pynvml.nvmlDeviceGetGpuInstanceId, instance)
        sample = None if number is None else _told(pynvml.nvmlGpmSampleAlloc)
        if sample is None:
            return None
        if _told(pynvml.nvmlGpmMigSampleGet, card, number, sample) is None:
            pynvml.nvmlGpmSampleFree(sample)
            return None
        before, self._last[uuid] = self._last.get(uuid), sample
        if before is None:
            return None
        asked = pynvml.c_nvmlGpmMetricsGet_t()
        asked.version, asked.numMetrics = pynvml.NVML_GPM_METRICS_GET_VERSION, 1
        asked.sample1, asked.sample2 = before, sample
        asked.metrics[0].metricId = pynvml.NVML_GPM_METRIC_GRAPHICS_UTIL
        answer = _told(pynvml.nvmlGpmMetricsGet, asked)
        pynvml.nvmlGpmSampleFree(before)
        if answer is None or answer.metrics[0].nvmlReturn != pynvml.NVML_SUCCESS:
            return None
        percent: float = answer.metrics[0].value
        return round(percent)

    def forget(self) -> None:
        """Let go of what was looked at."""
        for sample in self._last.values():
            with suppress(pynvml.NVMLError):
                pynvml.nvmlGpmSampleFree(sample)
        self._last.clear()


def _with_use(processes: tuple[ProcessReading, ...], use: int | None) -> tuple[ProcessReading, ...]:
    """Return an instance's processes with the use that follows from the whole instance's."""
    if use == 0 or (use is not None and len(processes) == 1):
        return tuple(replace(process, sm_percent=use) for process in processes)
    return processes


def _told(ask: Callable[..., Any], *arguments: Any) -> Any:
    """Return the answer, or None where this card or driver has none; a card's trouble is raised."""
    try:
        return ask(*arguments)
    except pynvml.NVMLError as error:
        if error.value in _TROUBLES:
            raise
        return None


def _instances(handle: Any) -> Iterator[Any]:
    for slot in range(_told(pynvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0):
        instance = _told(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, slot)
        if instance is not None:
            yield instance


def _memory(handle: Any) -> Any:
    # The second version tells apart what the driver keeps for itself, as nvidia-smi does.
    memory = _told(pynvml.nvmlDeviceGetMemoryInfo, handle, pynvml.nvmlMemory_v2)
    return memory or pynvml.nvmlDeviceGetMemoryInfo(handle)


def _profile(handle: Any, total: int) -> str:
    attributes = _told(pynvml.nvmlDeviceGetAttributes_v2, handle)
    slices = attributes.gpuInstanceSliceCount if attributes else 1
    return f"{slices}g.{round(total / 2**30)}gb"


def _uncorrected(handle: Any) -> int:
    return (
        _told(
            pynvml.nvmlDeviceGetTotalEccErrors,
            handle,
            pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED,
            pynvml.NVML_VOLATILE_ECC,
        )
        or 0
    )


def _recovery(handle: Any) -> int:
    fields = [pynvml.NVML_FI_DEV_GET_GPU_RECOVERY_ACTION]
    values = _told(pynvml.nvmlDeviceGetFieldValues, handle, fields)
    if values is None or values[0].nvmlReturn != pynvml.NVML_SUCCESS:
        return 0
    return int(values[0].value.uiVal)


def _driver() -> str:
    return str(_told(pynvml.nvmlSystemGetDriverVersion) or "")


def _cuda() -> str:
    number = _told(pynvml.nvmlSystemGetCudaDriverVersion_v2) or 0
    return f"{number // 1000}.{number % 1000 // 10}" if number else ""


def _address(handle: Any) -> int:
    return ctypes.cast(handle, ctypes.c_void_p).value or 0
