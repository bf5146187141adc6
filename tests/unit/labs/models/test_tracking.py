"""The course of a metric stays small and true; events that cannot be read change nothing."""

import itertools
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machinelabs_hub.labs.models.tracking import MOST_POINTS, Course, Point, told_by


def course_of(values: list[float]) -> Course:
    course = Course()
    for step, value in enumerate(values):
        course.add(Point(step, value, 1000.0 + step))
    return course


def test_a_short_course_has_every_point() -> None:
    course = course_of([3, 1, 2])
    assert [(one.step, one.value) for one in course.points] == [(0, 3), (1, 1), (2, 2)]


@pytest.mark.parametrize("count", [MOST_POINTS - 1, MOST_POINTS, 5_000, 123_457])
def test_a_long_course_keeps_its_ends_its_peaks_and_its_shape(count: int) -> None:
    values = [math.sin(step / count * 20) for step in range(count)]
    values[count // 3], values[count // 2] = 9.0, -9.0
    course = course_of(values)
    points = course.points
    assert len(points) <= MOST_POINTS + 2
    assert len(points) >= MOST_POINTS // 4
    assert (points[0].step, points[-1].step) == (0, count - 1)
    assert course.high == Point(count // 3, 9.0, 1000.0 + count // 3)
    assert course.low == Point(count // 2, -9.0, 1000.0 + count // 2)
    assert {course.high, course.low} <= set(points)
    assert [one.step for one in points] == sorted(one.step for one in points)
    gaps = [b.step - a.step for a, b in itertools.pairwise(points)]
    assert max(gaps) < count / 30
    assert course.count == count


@given(st.lists(st.floats(allow_nan=True), max_size=40))
def test_a_course_that_was_written_is_read_as_it_was(values: list[float]) -> None:
    course = course_of(values)
    text = json.dumps(course.write(), allow_nan=False)
    assert json.dumps(Course.read(json.loads(text)).write()) == text
    assert all(math.isfinite(one.value) for one in course.points)
    is_finite = bool(values) and math.isfinite(values[-1])
    assert course.finite_last == (values[-1] if is_finite else None)


@pytest.mark.parametrize(
    "event",
    [
        {"kind": "metric", "name": "x"},
        {"kind": "metric", "name": "x", "points": "1"},
        {"kind": "metric", "name": "x", "points": [[1, 2], [1, "2", 3], [True, 1, 1], [1, {}, 1]]},
        {"kind": "metric", "name": "x", "points": [[math.inf, 1, 1], [1, 1, math.inf]]},
        {"kind": "metric", "name": "x", "points": [[1 << 62, 1, 1], [1, 10**400, 1]]},
        {"kind": "metric", "name": "a\0b", "points": [[1, 1, 1]]},
        {"kind": "metric", "name": "a" * 251, "points": [[1, 1, 1]]},
        {"kind": "metric", "name": 3, "points": [[1, 1, 1]]},
        {"kind": "param", "name": "x", "value": 3},
        {"kind": "param", "value": "3"},
        {"kind": "stdout", "text": "x"},
        {},
    ],
)
def test_an_event_that_cannot_be_read_tells_nothing(event: dict[str, Any]) -> None:
    told = told_by([{"n": 1} | event], after=0)
    assert not any(told.metrics.values())
    assert not told.params
    assert not told.tags


def test_events_that_were_told_before_tell_nothing_again() -> None:
    said = [{"n": n, "kind": "metric", "name": "x", "points": [[n, n, n]]} for n in (4, 5, 6)]
    told = told_by(said, after=5)
    assert told.metrics == {"x": [Point(6, 6.0, 6.0)]}
    assert told.at == 6


def test_signs_that_no_database_takes_are_replaced() -> None:
    said = [
        {"n": 1, "kind": "metric", "name": "a\ud800", "points": [[0, 1, 2]]},
        {"n": 2, "kind": "tag", "name": "b", "value": "\udfff\0c"},
    ]
    told = told_by(said, after=0)
    assert list(told.metrics) == ["a?"]
    assert told.tags == {"b": "?c"}
