"""How curves of metrics are drawn."""

import math

from machinelabs_hub.labs.models.tracking import Course, Point
from machinelabs_hub.labs.pages.curves import HEIGHT, WIDTH, curve_of


def course_of(*points: tuple[int, float, float]) -> Course:
    course = Course()
    for step, value, at in points:
        course.add(Point(step, value, at))
    return course


def test_a_curve_goes_over_steps_from_edge_to_edge() -> None:
    curve = curve_of("loss", course_of((0, 1.0, 50), (5, 0.0, 51), (10, 0.5, 52)))
    assert curve.line == f"4.0,4.0 {WIDTH / 2:.1f},92.0 276.0,{HEIGHT / 2:.1f}"
    assert (curve.begin, curve.end, curve.last) == ("step 0", "10", "0.5")
    assert curve.summary == "loss: 3 values, the last is 0.5, the lowest 0, the highest 1."


def test_where_the_code_does_not_count_it_goes_over_time() -> None:
    curve = curve_of("cpu", course_of((0, 1.0, 50), (0, 3.0, 90), (0, 2.0, 170)))
    assert curve.line == "4.0,92.0 94.7,4.0 276.0,48.0"
    assert (curve.begin, curve.steps) == ("start", "")
    assert "2" in curve.end


def test_values_that_cannot_be_drawn_are_words_alone() -> None:
    assert curve_of("one", course_of((0, 7.0, 1))).line == ""
    odd = curve_of("odd", course_of((0, math.nan, 1), (1, math.inf, 2)))
    assert (odd.line, odd.last, odd.low) == ("", "∞", "–")
    huge = curve_of("huge", course_of((0, -1.7e308, 1), (1, 1.7e308, 2)))
    assert huge.line == ""


def test_a_flat_line_stands_in_the_middle_and_says_its_value_once() -> None:
    flat = curve_of("flat", course_of((0, 2.0, 1), (1, 2.0, 2)))
    assert flat.line == "4.0,48.0 276.0,48.0"
    assert flat.range == "2"


def test_a_long_course_is_a_short_line() -> None:
    many = curve_of("x", course_of(*((at, math.sin(at), at) for at in range(50_000))))
    assert len(many.line.split()) <= 242
