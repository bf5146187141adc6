"""The runs of MLflow that the code sees: the first one is this run, others are parts of it."""

import itertools
import re
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from machinelabs.runner.measures import Measures, Point

EXPERIMENT: Final = "0"
"""All is in one experiment: whatever it is called, it has this id."""

MOST_RUNS: Final = 100
MOST_MODELS: Final = 100
MOST_HISTORY: Final = 1000
"""Points of a metric that can be read back."""

_LONGEST_PREFIX: Final = 60
_STATES: Final = frozenset({"RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"})
_MODEL_STATES: Final = frozenset(
    {"LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED"}
)


class Refusal(Exception):
    """What MLflow's client gets as an error; `code` is one of MLflow's."""

    def __init__(self, message: str, code: str = "INVALID_PARAMETER_VALUE") -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class MlflowRun:
    """One run as MLflow has it."""

    id: str
    name: str
    prefix: str
    """In front of the names of its metrics and parameters where the site shows them."""
    folder: Path
    began: int
    status: str = "RUNNING"
    ended: int | None = None
    user: str = ""
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    last: dict[str, Point] = field(default_factory=dict)
    history: dict[str, deque[Point]] = field(default_factory=dict)
    models: list[str] = field(default_factory=list)

    def info(self) -> dict[str, Any]:
        """Return it as MLflow's `RunInfo`."""
        ended = {} if self.ended is None else {"end_time": self.ended}
        return {
            "run_id": self.id,
            "run_uuid": self.id,
            "run_name": self.name,
            "experiment_id": EXPERIMENT,
            "user_id": self.user,
            "status": self.status,
            "start_time": self.began,
            "artifact_uri": self.folder.as_uri(),
            "lifecycle_stage": "active",
        } | ended


@dataclass(slots=True)
class Model:
    """A model that the code logged; its files are in `folder`."""

    id: str
    name: str
    kind: str
    run: str
    folder: Path
    began: int
    status: str = "LOGGED_MODEL_PENDING"
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


class MlflowRuns:
    """All of them, for many threads.

    Args:
        measures: where the site learns of what they measure.
        name: how this run is called, such as `run-12`; its id too.
        outputs: where files go so that the site keeps them.
    """

    def __init__(self, measures: Measures, *, name: str, outputs: Path) -> None:
        self.lock = threading.RLock()
        self.experiment = "Default"
        self._measures = measures
        self.folder = outputs
        self._numbers = itertools.count(2)
        self._first = MlflowRun(name, name, "", outputs, now_ms())
        self._runs = {name: self._first}
        self._models: dict[str, Model] = {}

    def __iter__(self) -> Iterator[MlflowRun]:
        """Iterate over them, the newest first."""
        return iter(list(reversed(self._runs.values())))

    def get(self, run_id: str) -> MlflowRun:
        """Return one by its id.

        Raises:
            Refusal: there is none.
        """
        found = self._runs.get(run_id)
        if found is None:
            raise Refusal(
                f"There is no run “{run_id[:80]}” here; this one is “{self._first.id}”.",
                "RESOURCE_DOES_NOT_EXIST",
            )
        return found

    def create(self, name: str, user: str) -> MlflowRun:
        """Add one beside this run; what it measures is shown under its name."""
        if len(self._runs) >= MOST_RUNS:
            raise Refusal(
                f"There are {MOST_RUNS} MLflow runs in this run already, the most that may be. "
                "Start a run of the lab for each instead.",
                "RESOURCE_EXHAUSTED",
            )
        number = next(self._numbers)
        name = name[:250] or f"run-{number}"
        prefix = _folder(name, "run")
        if any(one.prefix == f"{prefix}/" for one in self):
            prefix = f"{prefix} {number}"
        folder = self.folder / prefix
        run = MlflowRun(f"{self._first.id}-{number}", name, f"{prefix}/", folder, now_ms())
        run.user = user
        self._runs[run.id] = run
        return run

    def update(self, run: MlflowRun, status: str, ended: int | None, name: str) -> None:
        """Take a state, an end and a name; what is empty stays."""
        run.status = status if status in _STATES else run.status
        run.ended = ended if ended is not None else run.ended
        run.name = name[:250] or run.name

    def metric(self, run: MlflowRun, name: str, point: Point) -> None:
        """Take a value of a metric."""
        step, value, at = point
        self._measures.metric(run.prefix + name, value, step, at)
        run.last[name] = point
        run.history.setdefault(name, deque(maxlen=MOST_HISTORY)).append(point)

    def param(self, run: MlflowRun, name: str, value: str) -> None:
        """Take a parameter, which never changes.

        Raises:
            Refusal: it has another value already.
        """
        old = run.params.get(name)
        if old is not None and old != value:
            raise Refusal(
                f"Changing param values is not allowed. Param with key='{name}' was already "
                f"logged with value='{old[:200]}' for run ID='{run.id}'."
            )
        self._measures.value("param", run.prefix + name, value)
        run.params[name] = value

    def tag(self, run: MlflowRun, name: str, value: str) -> None:
        """Take a tag; those of MLflow itself are not for people."""
        if not name.startswith("mlflow."):
            self._measures.value("tag", run.prefix + name, value)
        elif name == "mlflow.runName":
            run.name = value[:250]
        if len(run.tags) < MOST_HISTORY or name in run.tags:
            run.tags[name] = value

    def add_model(self, name: str, kind: str, run_id: str) -> Model:
        """Begin a model; its files become outputs."""
        if len(self._models) >= MOST_MODELS:
            raise Refusal(f"A run logs at most {MOST_MODELS} models.", "RESOURCE_EXHAUSTED")
        run = self._runs.get(run_id, self._first)
        name = name or "model"
        folder = run.folder / _folder(name, "model")
        if any(one.folder == folder for one in self._models.values()):
            folder = folder.with_name(f"{folder.name} {len(self._models) + 1}")
        model = Model(f"m-{len(self._models) + 1}", name, kind, run.id, folder, now_ms())
        self._models[model.id] = model
        return model

    def model(self, model_id: str) -> Model:
        """Return a model by its id.

        Raises:
            Refusal: there is none.
        """
        found = self._models.get(model_id)
        if found is None:
            raise Refusal(f"There is no model “{model_id[:80]}” here.", "RESOURCE_DOES_NOT_EXIST")
        return found

    @property
    def models(self) -> tuple[Model, ...]:
        """All models, the newest first."""
        return tuple(reversed(self._models.values()))

    def finish(self, model: Model, status: str) -> None:
        """Take the state of a model."""
        model.status = status if status in _MODEL_STATES else model.status


def _folder(name: str, otherwise: str) -> str:
    return re.sub(r"[^\w .=-]+", "-", name)[:_LONGEST_PREFIX].strip(". ") or otherwise


def now_ms() -> int:
    """Return the time as MLflow counts it."""
    return int(time.time() * 1000)
