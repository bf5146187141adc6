"""What a notebook says that it can be run with, and what runs may give it."""

import json
from typing import Any

import pytest
from tests.support.content import cell, notebook

from machinelabs_hub.labs.models.parameter_cell import parameters_of
from machinelabs_hub.labs.models.parameters import BadParameter, Kind, Parameter, values_of


def book(source: str, **metadata: Any) -> bytes:
    tagged = cell("code", source, "p") | {"metadata": {"tags": ["parameters"]}}
    return notebook([cell("markdown", "# Hi", "m"), tagged, cell("code", "x = 1", "c")])


def read(source: str) -> dict[str, Parameter]:
    return {one.name: one for one in parameters_of("main.ipynb", book(source))}


def test_kinds_come_from_annotations_and_else_from_defaults() -> None:
    found = read(
        "%matplotlib inline\n"
        "rate = 0.1  # how fast it learns\n"
        "epochs: int = 3\n"
        "scale: float = 1\n"
        'name = "moons"\n'
        "verbose = False\n"
        "layers = (16, 8)\n"
        "extra = {}\n"
        "seed: int | None = None\n"
        "path: 'Optional[str]' = None\n"
        "steps = epochs * 10\n"
        'kind: Literal["sgd", "adam"] = "sgd"\n'
        "a = b = 1\n"
        "print(rate)\n"
    )
    kinds = {name: one.kind.value for name, one in found.items()}
    assert kinds == {
        "rate": "number", "epochs": "integer", "scale": "number", "name": "text",
        "verbose": "flag", "layers": "list", "extra": "mapping", "seed": "integer",
        "path": "any", "steps": "any", "kind": "text",
    }  # fmt: skip
    assert found["rate"].what == "how fast it learns"
    assert found["kind"].choices == ("sgd", "adam")
    assert found["seed"].may_be_none
    assert (found["steps"].default, found["steps"].source) == (None, "epochs * 10")
    assert (found["layers"].default, found["layers"].text) == ([16, 8], "(16, 8)")


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("main.py", book("x = 1")),
        ("main.ipynb", b"{"),
        ("main.ipynb", b"[]"),
        (
            "main.ipynb",
            json.dumps({"cells": [None, {"cell_type": "code", "metadata": 3}]}).encode(),
        ),
        ("main.ipynb", book("x = (")),
        ("main.ipynb", notebook([cell("code", "x = 1", "a")])),
    ],
)
def test_what_has_no_such_cell_has_no_parameters(path: str, content: bytes) -> None:
    assert parameters_of(path, content) == ()


def test_texts_are_read_as_the_kind_of_their_parameter() -> None:
    known = parameters_of(
        "a.ipynb",
        book('n = 1\nr = 0.5\nt = "x"\nf = True\nl = []\nd = {}\no: int | None = 1\nany = None'),
    )
    given = {"n": " 7 ", "r": "3", "t": "7", "f": "no", "l": "[1, 'a']", "d": '{"a": 1}', "o": ""}
    assert values_of(known, given) == {
        "n": 7, "r": 3.0, "t": "7", "f": False, "l": [1, "a"], "d": {"a": 1}, "o": None,
    }  # fmt: skip
    for text, value in {"5": 5, "None": None, "two words": "two words", "[1]": [1]}.items():
        assert values_of(known, {"any": text}) == {"any": value}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"n": "1.5"}, "`n` must be a whole number, not “1.5”."),
        ({"n": True}, "`n` must be a whole number, not “True”."),
        ({"r": "nan"}, "`r` must be a number"),
        ({"r": float("inf")}, "`r` must be a finite number."),
        ({"f": "maybe"}, "`f` must be true or false"),
        ({"k": "c"}, "`k` must be one of a, b."),
        ({"rat": 1}, "This notebook has no parameter `rat`. It has n, r, f, k."),
        ({"a b": 1}, "cannot be the name of a parameter"),
        ({"n": None}, "`n` must be a whole number"),
        ({"k": "a" * 10_001}, "longer than 10000 characters"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_name(given: dict[str, Any], sentence: str) -> None:
    known = parameters_of("a.ipynb", book('n = 1\nr = 0.5\nf = True\nk: Literal["a", "b"] = "a"'))
    with pytest.raises(BadParameter) as refused:
        values_of(known, given)
    assert sentence in str(refused.value)


def test_a_notebook_without_the_cell_says_how_to_get_one_and_a_script_takes_any_name() -> None:
    with pytest.raises(BadParameter, match="tagged `parameters`"):
        values_of((), {"rate": "1"})
    assert values_of((), {"rate": "1", "n": 2}, script=True) == {"rate": "1", "n": 2}


def test_any_kind_fits_its_own_default() -> None:
    for source in ("1", "1.0", "'a'", "True", "[1]", "{'a': 1}", "None"):
        one = read(f"x = {source}")["x"]
        assert values_of((one,), {"x": one.default}) == {"x": one.default}
    assert read("x: int = 'a'")["x"].kind is Kind.TEXT


@pytest.mark.parametrize("text", ["1" + "0" * 400, "nan", "inf", "1e999"])
def test_a_number_beyond_all_floats_is_refused(text: str) -> None:
    parameter = Parameter("rate", Kind.NUMBER, 0.1, "0.1", ())
    with pytest.raises(BadParameter, match="rate"):
        values_of((parameter,), {"rate": text})
