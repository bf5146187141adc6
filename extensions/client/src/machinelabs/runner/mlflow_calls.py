"""What MLflow's client asks over REST, answered from the runs that the code has."""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from machinelabs.runner.measures import Point, TooMuch
from machinelabs.runner.mlflow_runs import EXPERIMENT, MlflowRun, MlflowRuns, Model, Refusal

MOST_METRICS: Final = 1000
MOST_OTHERS: Final = 100
_WORDS: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_MODEL: Final = re.compile(r"logged-models/([^/]+)(/params|/tags|/tags/[^/]+)?")

Said = Mapping[str, Any]


class Calls:
    """Answers of one run's MLflow; many threads ask at once."""

    def __init__(self, runs: MlflowRuns) -> None:
        self._runs = runs
        self._known: Mapping[tuple[str, str], Callable[[Said], dict[str, Any]]] = {
            ("GET", "experiments/get"): self._experiment,
            ("GET", "experiments/get-by-name"): self._experiment_named,
            ("POST", "experiments/create"): self._create_experiment,
            ("POST", "experiments/search"): self._experiments,
            ("GET", "experiments/search"): self._experiments,
            ("POST", "experiments/set-experiment-tag"): _nothing,
            ("POST", "experiments/delete-experiment-tag"): _nothing,
            ("POST", "runs/create"): self._create,
            ("GET", "runs/get"): self._get,
            ("POST", "runs/update"): self._update,
            ("POST", "runs/search"): self._search,
            ("POST", "runs/log-metric"): self._log_metric,
            ("POST", "runs/log-parameter"): self._log_param,
            ("POST", "runs/log-batch"): self._log_batch,
            ("POST", "runs/set-tag"): self._set_tag,
            ("POST", "runs/delete-tag"): self._delete_tag,
            ("POST", "runs/log-inputs"): self._log_inputs,
            ("POST", "runs/outputs"): self._log_outputs,
            ("POST", "runs/log-model"): _nothing,
            ("GET", "metrics/get-history"): self._history,
            ("POST", "logged-models"): self._create_model,
            ("POST", "logged-models/search"): self._models,
        }

    def answer(self, method: str, path: str, said: Said) -> dict[str, Any]:
        """Answer one request below `/api/2.0/mlflow/`.

        Raises:
            Refusal: with a code of MLflow's and a sentence.
        """
        call = self._known.get((method, path))
        try:
            with self._runs.lock:
                if call is not None:
                    return call(said)
                if found := _MODEL.fullmatch(path):
                    return self._of_model(method, found[1], found[2] or "", said)
        except TooMuch as error:
            raise Refusal(str(error)) from error
        raise Refusal(
            f"MLflow here keeps metrics, parameters, tags, models and files of one run. {method} "
            f"{path[:120]} is not among what it does.",
            "ENDPOINT_NOT_FOUND",
        )

    def _experiment(self, _said: Said) -> dict[str, Any]:
        return {
            "experiment": {
                "experiment_id": EXPERIMENT,
                "name": self._runs.experiment,
                "artifact_location": self._runs.folder.as_uri(),
                "lifecycle_stage": "active",
            }
        }

    def _experiment_named(self, said: Said) -> dict[str, Any]:
        # There is one, and it is called as one likes.
        self._runs.experiment = _text(said, "experiment_name")[:250] or self._runs.experiment
        return self._experiment(said)

    def _create_experiment(self, said: Said) -> dict[str, Any]:
        self._runs.experiment = _text(said, "name")[:250] or self._runs.experiment
        return {"experiment_id": EXPERIMENT}

    def _experiments(self, said: Said) -> dict[str, Any]:
        return {"experiments": [self._experiment(said)["experiment"]]}

    def _create(self, said: Said) -> dict[str, Any]:
        tags = {_text(one, "key"): _text(one, "value") for one in _list(said, "tags")}
        name = _text(said, "run_name") or tags.get("mlflow.runName", "")
        run = self._runs.create(name, _text(said, "user_id"))
        for key, value in tags.items():
            self._runs.tag(run, key, value)
        return {"run": _run(run)}

    def _get(self, said: Said) -> dict[str, Any]:
        return {"run": _run(self._run_of(said))}

    def _update(self, said: Said) -> dict[str, Any]:
        run = self._run_of(said)
        ended = int(_number(said, "end_time")) if said.get("end_time") else None
        self._runs.update(run, _text(said, "status"), ended, _text(said, "run_name"))
        return {"run_info": run.info()}

    def _search(self, said: Said) -> dict[str, Any]:
        if _text(said, "filter").strip():
            raise Refusal("The runs here cannot be searched with a filter; leave it out.")
        return {"runs": [_run(run) for run in self._runs]}

    def _log_metric(self, said: Said) -> dict[str, Any]:
        self._runs.metric(self._run_of(said), _text(said, "key"), _point(said))
        return {}

    def _log_param(self, said: Said) -> dict[str, Any]:
        self._runs.param(self._run_of(said), _text(said, "key"), _text(said, "value"))
        return {}

    def _log_batch(self, said: Said) -> dict[str, Any]:
        run = self._run_of(said)
        metrics, params, tags = (_list(said, key) for key in ("metrics", "params", "tags"))
        if len(metrics) > MOST_METRICS or len(params) > MOST_OTHERS or len(tags) > MOST_OTHERS:
            raise Refusal(
                f"A batch has at most {MOST_METRICS} metrics, {MOST_OTHERS} params and "
                f"{MOST_OTHERS} tags."
            )
        points = [(_text(one, "key"), _point(one)) for one in metrics]
        for one in params:
            self._runs.param(run, _text(one, "key"), _text(one, "value"))
        for name, point in points:
            self._runs.metric(run, name, point)
        for one in tags:
            self._runs.tag(run, _text(one, "key"), _text(one, "value"))
        return {}

    def _set_tag(self, said: Said) -> dict[str, Any]:
        self._runs.tag(self._run_of(said), _text(said, "key"), _text(said, "value"))
        return {}

    def _delete_tag(self, said: Said) -> dict[str, Any]:
        self._run_of(said).tags.pop(_text(said, "key"), None)
        return {}

    def _log_inputs(self, said: Said) -> dict[str, Any]:
        run = self._run_of(said)
        for one in _list(said, "datasets"):
            data = one.get("dataset")
            if isinstance(data, dict):
                self._runs.tag(run, f"dataset {_text(data, 'name')[:200]}", _text(data, "digest"))
        return {}

    def _log_outputs(self, said: Said) -> dict[str, Any]:
        run = self._run_of(said)
        run.models += [_text(one, "model_id") for one in _list(said, "models")]
        del run.models[MOST_OTHERS:]
        return {}

    def _history(self, said: Said) -> dict[str, Any]:
        run, name = self._run_of(said), _text(said, "metric_key")
        return {"metrics": [_metric(name, point) for point in run.history.get(name, ())]}

    def _create_model(self, said: Said) -> dict[str, Any]:
        model = self._runs.add_model(
            _text(said, "name"), _text(said, "model_type"), _text(said, "source_run_id")
        )
        _take_pairs(model.params, _list(said, "params"))
        _take_pairs(model.tags, _list(said, "tags"))
        return {"model": _model(model)}

    def _models(self, _said: Said) -> dict[str, Any]:
        return {"models": [_model(one) for one in self._runs.models]}

    def _of_model(self, method: str, model_id: str, part: str, said: Said) -> dict[str, Any]:
        model = self._runs.model(model_id)
        if part.startswith("/tags/"):
            model.tags.pop(part.removeprefix("/tags/"), None)
        elif part == "/tags":
            _take_pairs(model.tags, _list(said, "tags"))
        elif part == "/params":
            _take_pairs(model.params, _list(said, "params"))
        elif method == "PATCH":
            self._runs.finish(model, _text(said, "status"))
        return {"model": _model(model)}

    def _run_of(self, said: Said) -> MlflowRun:
        return self._runs.get(_text(said, "run_id") or _text(said, "run_uuid"))


def _nothing(_said: Said) -> dict[str, Any]:
    return {}


def _text(said: Said, key: str) -> str:
    found = said.get(key, "")
    return found if isinstance(found, str) else json.dumps(found)


def _list(said: Said, key: str) -> list[dict[str, Any]]:
    found = said.get(key) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Refusal(f"`{key}` must be a list of objects.")
    return found


def _number(said: Said, key: str, default: float | None = None) -> float:
    found = said.get(key, default)
    found = _WORDS.get(found, found) if isinstance(found, str) else found
    try:
        return float(str(found))
    except ValueError as error:
        raise Refusal(f"`{key}` must be a number, not {str(found)[:80]!r}.") from error


def _point(said: Said) -> Point:
    step = _number(said, "step", 0)
    if not math.isfinite(step) or abs(step) >= 1 << 62:
        raise Refusal("`step` must be a whole number.")
    at = _number(said, "timestamp", 0) / 1000
    return int(step), _number(said, "value"), at if math.isfinite(at) else 0.0


def _take_pairs(into: dict[str, str], pairs: list[dict[str, Any]]) -> None:
    for one in pairs[: MOST_METRICS - len(into)]:
        into[_text(one, "key")] = _text(one, "value")


def _metric(name: str, point: Point) -> dict[str, Any]:
    step, value, at = point
    # JSON has no such numbers; protobuf has these words for them.
    words = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    said = value if math.isfinite(value) else words
    return {"key": name, "value": said, "timestamp": int(at * 1000), "step": step}


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _run(run: MlflowRun) -> dict[str, Any]:
    return {
        "info": run.info(),
        "data": {
            "metrics": [_metric(name, point) for name, point in run.last.items()],
            "params": _pairs(run.params),
            "tags": _pairs(run.tags | {"mlflow.runName": run.name}),
        },
        "outputs": {"model_outputs": [{"model_id": one} for one in run.models]},
    }


def _model(model: Model) -> dict[str, Any]:
    return {
        "info": {
            "model_id": model.id,
            "experiment_id": EXPERIMENT,
            "name": model.name,
            "creation_timestamp_ms": model.began,
            "last_updated_timestamp_ms": model.began,
            "artifact_uri": model.folder.as_uri(),
            "status": model.status,
            "model_type": model.kind,
            "source_run_id": model.run,
            "tags": _pairs(model.tags),
        },
        "data": {"params": _pairs(model.params), "metrics": []},
    }
