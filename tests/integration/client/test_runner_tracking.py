"""What code measures in a run, by the real clients: MLflow's, a writer of event files, ours."""

import json
import os
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.content import cell, notebook
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import CODE, RunDesk, ordered

from machinelabs.runner import tracking
from machinelabs.runner.run import Run
from machinelabs.runner.service import Service
from machinelabs_hub.labs.models.tracking import Tracked

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("labs") / "data") as one:
        yield one


@pytest.fixture(autouse=True)
def _python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let scripts have the packages that the tests have."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")


async def measured(server: LabsServer, folder: Path, code: str, **more: bytes) -> RunDesk:
    """Run a script to its end, which must be good."""
    desk = ordered(server, {"main.py": textwrap.dedent(code).encode()} | more)
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240 - nothing else goes on here yet
    service = Service(desk.url)
    try:
        ended = await Run(service, folder).run(CODE)
    finally:
        await service.close()
    assert ended.state == "finished", desk.said("stderr")
    return desk


def tracked(desk: RunDesk) -> Tracked:
    return desk.server.tools.tracks.of(desk.run.id)


def values(desk: RunDesk, name: str) -> list[tuple[int, float]]:
    return [(one.step, one.value) for one in tracked(desk).metrics[name].points]


async def test_mlflow_without_a_word_of_configuration(server: LabsServer, tmp_path: Path) -> None:
    desk = await measured(
        server,
        tmp_path / "run",
        """
        import math, os, pathlib
        import mlflow
        mlflow.set_experiment("digits")
        with mlflow.start_run(run_name="first"):
            mlflow.log_params({"rate": 0.1, "layers": [2, 3]})
            for step in range(5):
                mlflow.log_metric("loss", 1 / (step + 1), step=step)
            mlflow.log_metrics({"val/accuracy": 0.75, "odd": math.nan}, step=4)
            mlflow.set_tag("kind", "net")
            mlflow.log_text("weights", "deep/model.txt")
            here = mlflow.active_run().info.run_id
        with mlflow.start_run(run_name="second"):
            mlflow.log_metric("loss", 9)
            mlflow.log_text("other", "model.txt")
        found = mlflow.get_run(here)
        print(found.info.status, found.data.params["rate"], found.data.metrics["loss"])
        client = mlflow.MlflowClient()
        print([one.value for one in client.get_metric_history(here, "loss")])
        print([run.info.run_name for run in client.search_runs(["0"])])
        print(mlflow.artifacts.load_text(found.info.artifact_uri + "/deep/model.txt"))
        """,
    )
    assert desk.said().splitlines() == [
        "FINISHED 0.1 0.2",
        "[1.0, 0.5, 0.3333333333333333, 0.25, 0.2]",
        "['second', 'first']",
        "weights",
    ]
    found = tracked(desk)
    assert values(desk, "loss") == [(step, 1 / (step + 1)) for step in range(5)]
    assert values(desk, "val/accuracy") == [(4, 0.75)]
    assert found.metrics["odd"].finite_last is None
    assert found.params == {"rate": "0.1", "layers": "[2, 3]"}
    assert found.tags == {"kind": "net"}
    assert values(desk, "second/loss") == [(0, 9.0)]
    assert list(desk.outputs()) == ["deep/model.txt", "second/model.txt"]


async def test_mlflow_is_told_what_it_may_not(server: LabsServer, tmp_path: Path) -> None:
    desk = await measured(
        server,
        tmp_path / "run",
        """
        import mlflow
        from mlflow.exceptions import MlflowException

        def refused(act):
            try:
                act()
            except MlflowException as error:
                print(error.error_code, str(error).splitlines()[0][:120])

        client = mlflow.MlflowClient()
        mlflow.log_param("rate", 1)
        here = mlflow.active_run().info.run_id
        refused(lambda: client.log_param(here, "rate", 2))
        refused(lambda: client.get_run("nobody"))
        refused(lambda: client.search_runs(["0"], filter_string="metrics.a > 1"))
        refused(lambda: client.delete_run(here))
        mlflow.log_metrics({f"m{number}": 1 for number in range(1000)})
        refused(lambda: client.log_metric(here, "one-more", 1))
        """,
    )
    codes = [line.split()[0] for line in desk.said().splitlines()]
    assert codes == [
        "INVALID_PARAMETER_VALUE",
        "RESOURCE_DOES_NOT_EXIST",
        "INVALID_PARAMETER_VALUE",
        "ENDPOINT_NOT_FOUND",
        "INVALID_PARAMETER_VALUE",
    ]
    assert "at most 1000 metrics" in desk.said()
    assert len(tracked(desk).metrics) == 1000


async def test_a_model_of_mlflows_becomes_an_output(server: LabsServer, tmp_path: Path) -> None:
    desk = await measured(
        server,
        tmp_path / "run",
        """
        import pathlib
        import mlflow

        client = mlflow.MlflowClient()
        with mlflow.start_run():
            model = mlflow.initialize_logged_model(name="twice", params={"by": "2"})
            pathlib.Path("made").mkdir()
            pathlib.Path("made/weights.bin").write_bytes(b"w")
            client.log_model_artifacts(model.model_id, "made")
            mlflow.finalize_logged_model(model.model_id, "READY")
            found = mlflow.get_logged_model(model.model_id)
            print(found.status, found.params, found.name)
        """,
    )
    assert desk.said() == "READY {'by': '2'} twice\n"
    assert list(desk.outputs()) == ["twice/weights.bin"]


async def test_our_own_log_needs_no_other_package(server: LabsServer, tmp_path: Path) -> None:
    source = """
        import machinelabs, numpy, os
        for epoch in range(3):
            machinelabs.log(loss=numpy.float32(0.5) / 2**epoch, phase="training", step=epoch)
        for _ in range(3):
            machinelabs.log(accuracy=1)
        if os.fork() == 0:
            machinelabs.log(child=7)
            os._exit(0)
        os.wait()
        try:
            machinelabs.log(loss=[1, 2])
        except ValueError as error:
            print(error)
        try:
            machinelabs.log(**{"x" * 251: 1})
        except ValueError as error:
            print(error)
    """
    book = notebook([cell("code", textwrap.dedent(source), "a")])
    desk = await measured(server, tmp_path / "run", "", **{"main.ipynb": book})
    assert values(desk, "loss") == [(0, 0.5), (1, 0.25), (2, 0.125)]
    assert values(desk, "accuracy") == [(0, 1), (1, 1), (2, 1)]
    assert values(desk, "child") == [(0, 7)]
    assert tracked(desk).tags == {"phase": "training"}
    first, second = desk.said().splitlines()
    assert first == "`loss` must be one number or text, not a list."
    assert "longer than 250" in second


async def test_event_files_become_metrics_as_they_grow(
    server: LabsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "FILES_EVERY", 1)
    desk = await measured(
        server,
        tmp_path / "run",
        """
        import time
        import numpy
        from tensorboardX import SummaryWriter
        train, test = SummaryWriter("logs/train"), SummaryWriter("logs/validation")
        for step in range(100):
            train.add_scalar("loss", 1 / (step + 1), step)
        train.add_histogram("weights", numpy.arange(100_000), 1)
        train.add_text("words", "some words", 1)
        train.flush()
        time.sleep(1.5)
        train.add_scalar("loss", 0.5, 100)
        test.add_scalar("loss", 0.25, 3)
        train.close()
        test.close()
        """,
        **{"old/events.out.tfevents.1.x": b"not even one"},
    )
    found = values(desk, "loss")
    assert len(found) == 101
    assert found[0] == (0, 1.0)
    assert found[-1] == (100, 0.5)
    assert found[2][1] == pytest.approx(1 / 3)
    assert values(desk, "validation/loss") == [(3, 0.25)]
    assert set(tracked(desk).metrics) == {"loss", "validation/loss"}
    # Some of it was told before the end.
    assert len(desk.events("metric")) >= 3


async def test_a_million_values_are_a_bounded_log(server: LabsServer, tmp_path: Path) -> None:
    desk = await measured(
        server,
        tmp_path / "run",
        """
        import json, os, urllib.request
        where, _, run = os.environ["MACHINELABS_TRACKING"].rpartition("/")
        step = 0
        for _ in range(150):
            some = [{"key": "x", "value": (step + i) % 977, "timestamp": step + i, "step": step + i}
                    for i in range(1000)]
            step += 1000
            body = json.dumps({"run_id": run, "metrics": some}).encode()
            url = where + "/api/2.0/mlflow/runs/log-batch"
            urllib.request.urlopen(urllib.request.Request(url, body)).read()
        """,
    )
    course = tracked(desk).metrics["x"]
    assert course.last is not None
    assert course.last.step == 149_999
    assert course.high is not None
    assert course.high.value == 976
    size = sum(len(json.dumps(event)) for event in desk.events("metric"))
    assert size < 2_000_000
