"""The sweeps of a site's labs: a run for each combination of values, ordered together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from machinelabs.transport import Transport, understood


@dataclass(frozen=True, slots=True)
class SweepRun:
    """A run of a sweep.

    Attributes:
        number: its number in the lab.
        seconds: how long it ran; None: it is not over, or never ran.
        metrics: the last value of each that its code measured; None: it is no finite number.
    """

    number: int
    state: str
    parameters: Mapping[str, Any]
    seconds: float | None
    metrics: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Sweep:
    """Runs of one revision of a lab that were ordered together.

    Attributes:
        lab: `owner/name`.
        number: its number among the sweeps of the lab.
        grid: the values that it goes over, by name.
        states: how many runs are in which state.
    """

    lab: str
    number: int
    name: str
    url: str
    revision: int
    path: str
    grid: Mapping[str, Sequence[Any]]
    states: Mapping[str, int]
    is_final: bool
    runs: tuple[SweepRun, ...]

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read a sweep from the API's JSON; keys that are unknown here are passed over."""
        return cls(
            lab=body["lab"],
            number=body["number"],
            name=body["name"],
            url=body["url"],
            revision=body["revision"],
            path=body["path"],
            grid=dict(body["grid"]),
            states=dict(body["states"]),
            is_final=body["is_final"],
            runs=tuple(
                SweepRun(
                    one["number"],
                    one["state"],
                    dict(one["parameters"]),
                    one["seconds"],
                    dict(one["metrics"]),
                )
                for one in body["runs"]
            ),
        )


class Sweeps:
    """The sweeps of a site. `lab` is spelled `owner/name`."""

    def __init__(self, *, transport: Transport, path: Callable[[str], str]) -> None:
        self._transport = transport
        self._lab_path = path

    def order(
        self,
        lab: str,
        grid: Mapping[str, Sequence[Any]],
        *,
        parameters: Mapping[str, Any] | None = None,
        **wishes: Any,
    ) -> Sweep:
        """Order a run for each combination of values: all of them, or none.

        Args:
            lab: whose revision is to run.
            grid: the values of each parameter that has several.
            parameters: what all runs are given besides.
            wishes: as for one run.
        """
        said = {key: value for key, value in wishes.items() if value}
        body = said | {
            "grid": {name: list(values) for name, values in grid.items()},
            "parameters": dict(parameters or {}),
        }
        made = self._transport.create(f"{self._lab_path(lab)}/sweeps", body)
        return understood(lambda: Sweep.from_json(made))

    def get(self, lab: str, number: int) -> Sweep:
        """Return a sweep with its runs."""
        body = self._transport.json("GET", f"{self._lab_path(lab)}/sweeps/{number}")
        return understood(lambda: Sweep.from_json(body))

    def stop(self, lab: str, number: int) -> Sweep:
        """Order all of its runs to stop that are not over."""
        body = self._transport.json("POST", f"{self._lab_path(lab)}/sweeps/{number}/stop")
        return understood(lambda: Sweep.from_json(body))
