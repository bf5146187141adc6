"""What `machinelabs.log` does where there is no run, and what of very much is told."""

import math
import subprocess
import sys
from pathlib import Path

import pytest

import machinelabs
from machinelabs.runner.measures import FEW, MOST_WAITING, PLENTY, Measures, TooMuch, fewer
from machinelabs.tracking import VARIABLE, TrackingFault


def test_outside_of_a_run_it_says_so_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("machinelabs.tracking._LOG._has_noted", False)
    machinelabs.log(loss=1)
    machinelabs.log(loss=2, step=7)
    assert capsys.readouterr().err == "This is no run of a lab, so machinelabs.log keeps nothing.\n"
    with pytest.raises(TrackingFault, match="`loss` must be one number or text"):
        machinelabs.log(loss={})


def test_a_runner_that_is_gone_stops_no_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, "http://127.0.0.1:9/run-1")
    monkeypatch.setattr("machinelabs.tracking._LOG._has_noted", False)
    machinelabs.log(loss=1)
    assert "cannot be kept now" in capsys.readouterr().err


def test_fewer_points_keep_ends_and_peaks() -> None:
    points = [(step, math.sin(step / 100), float(step)) for step in range(10_000)]
    points[3_333] = (3_333, 9.0, 3_333.0)
    points[5_000] = (5_000, math.nan, 5_000.0)
    kept = fewer(points, 100)
    assert 50 <= len(kept) <= 100
    assert kept[0] == points[0]
    assert kept[-1] == points[-1]
    assert points[3_333] in kept
    assert kept == sorted(kept)


def test_after_plenty_only_a_few_of_each_look_are_told() -> None:
    measures, told = Measures(), []
    for look in range(2 * PLENTY // MOST_WAITING):
        for at in range(MOST_WAITING):
            measures.metric("x", at % 7, look * MOST_WAITING + at, at=0)
        told.append(sum(len(fields["points"]) for _, fields in measures.take()))
    assert told[0] == MOST_WAITING
    assert told[-1] <= FEW
    assert measures.take() == []


def test_names_and_values_are_bounded() -> None:
    measures = Measures()
    for name in ("", "a\0", "x" * 251):
        with pytest.raises(TooMuch):
            measures.metric(name, 1)
    with pytest.raises(TooMuch, match="6,000"):
        measures.value("param", "p", "x" * 6001)
    for number in range(1000):
        measures.value("tag", f"t{number}", "")
    with pytest.raises(TooMuch, match="at most 1000 tags"):
        measures.value("tag", "t", "")
    measures.value("tag", "t5", "new")


def test_it_needs_no_package_that_an_image_may_lack() -> None:
    source = Path(machinelabs.__file__).parent.parent
    code = "import machinelabs; machinelabs.log(loss=1)"
    # -S: nothing but the standard library, and us.
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "keeps nothing" in done.stderr


def test_what_speaks_with_a_site_is_there_when_it_is_asked_for() -> None:
    for name in machinelabs.__all__:
        assert getattr(machinelabs, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = machinelabs.nothing
