"""In which words values stand."""

import math
from typing import Any

import pytest

from machinelabs_hub.labs.models.values import measured, said


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("adam", "adam"),
        (False, "false"),
        (None, "None"),
        (1.0, "1"),
        (0.1, "0.1"),
        (0.12345678, "0.12345678"),
        (1e-05, "1e-05"),
        (math.inf, "∞"),
        ([64, "ü"], '[64, "ü"]'),
    ],
)
def test_what_was_given_has_all_its_digits(value: Any, words: str) -> None:
    assert said(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0"),
        (3.0, "3"),
        (-2.5, "-2.5"),
        (1234567.0, "1,234,567"),
        (123456.789, "123,457"),
        (0.12345678, "0.12346"),
        (0.00012, "0.00012"),
        (0.00001, "1e-5"),
        (-1.9e13, "-1.9e13"),
        (math.nan, "NaN"),
        (None, "NaN"),
        (-math.inf, "-∞"),
    ],
)
def test_what_was_measured_has_the_digits_that_matter(value: float | None, words: str) -> None:
    assert measured(value) == words
