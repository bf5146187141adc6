"""Parameters that an `ml.yaml` declares: read with line and key, and put over a notebook's own."""

import pytest
from tests.unit.labs.models.test_config import CATALOG

from machinelabs_hub.labs.models.config import BadConfig, read_config
from machinelabs_hub.labs.models.declared import asked_of
from machinelabs_hub.labs.models.parameters import BadParameter, Kind, Parameter, values_of

TEXT = """
parameters:
  - {name: epochs, default: 3, help: "How   long"}
  - name: rate
    type: float
    default: 1e-3
  - name: optimizer
    choices: [sgd, adam]
  - {name: depth, choices: [1, 2.5]}
  - {name: seed, type: int, default: null}
  - {name: layers, default: [64, {a: yes}]}
  - {name: day, default: 2026-01-02}
  - pass-as: --mode=fast
"""


def declared(text: str) -> dict[str, Parameter]:
    found = read_config(text.encode(), CATALOG).parameters
    return {one.name: one for one in asked_of(found, ())}


def test_types_come_from_what_is_said_and_else_from_defaults_and_choices() -> None:
    found = declared(TEXT)
    kinds = {name: one.kind.value for name, one in found.items()}
    assert kinds == {
        "epochs": "integer", "rate": "number", "optimizer": "text", "depth": "number",
        "seed": "integer", "layers": "list", "day": "text", "mode": "text",
    }  # fmt: skip
    assert found["epochs"].what == "How long"
    assert found["rate"].default == 0.001
    assert found["optimizer"].choices == ("sgd", "adam")
    assert found["seed"].may_be_none
    assert found["layers"].default == [64, {"a": True}]
    assert found["day"].default == "2026-01-02"


def test_a_script_gets_the_defaults_that_are_declared_and_no_other_names() -> None:
    known = tuple(declared(TEXT).values())
    values = values_of(known, {"epochs": "9", "optimizer": "adam"}, script=True)
    assert (values["epochs"], values["optimizer"], values["rate"]) == (9, "adam", 0.001)
    assert "depth" not in values
    with pytest.raises(BadParameter, match="`optimizer` must be one of sgd, adam"):
        values_of(known, {"optimizer": "lion"}, script=True)
    with pytest.raises(BadParameter, match=r"no parameter `epoch`: ml.yaml declares epochs, rate"):
        values_of(known, {"epoch": 1}, script=True)
    assert values_of((), {"epoch": "1"}, script=True) == {"epoch": "1"}


def test_what_is_declared_is_filled_by_what_the_cell_says_of_the_same_name() -> None:
    said = "parameters:\n  - {name: rate, help: Faster}\n  - {name: size, type: text, default: s}\n"
    cell = (
        Parameter("epochs", Kind.INTEGER, 3, "3"),
        Parameter("rate", Kind.NUMBER, 0.1, "0.1", (0.1, 1.0), what="old"),
        Parameter("size", Kind.INTEGER, 5, "5", what="kept"),
    )
    rate, size, epochs = asked_of(read_config(said.encode(), CATALOG).parameters, cell)
    assert rate == Parameter("rate", Kind.NUMBER, 0.1, "0.1", (0.1, 1.0), what="Faster")
    assert (size.kind, size.default, size.what, size.is_set) == (Kind.TEXT, "s", "kept", True)
    assert epochs is cell[0]
    assert values_of((rate, size, epochs), {}) == {"size": "s"}


ENDLESS = "- name: a\n  default: &x [*x]"
HUGE = "- name: a\n  default: [&a [1,1,1,1,1,1,1,1,1,1], &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a], [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]]"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  a: 1", "line 2: `parameters` is a list"),
        ("- a", "line 2: `parameters.0` needs `name"),
        ("- default: 1", "line 2: `parameters.0.name` is missing"),
        ("- name: a\n- name: a", "line 3: `parameters.1.name`: `a` is declared twice"),
        ("- name: a-b", "line 2: `parameters.0.name`: “a-b” cannot be the name"),
        ("- name: a\n  kind: x", "line 3: `parameters.0` has no key `kind`"),
        ("- name: a\n  name: b", "line 3: `parameters.0.name` is said twice"),
        ("- name: a\n  type: tensor", "line 3: `parameters.0.type` is one of text, integer"),
        ("- name: a\n  type: int\n  default: x", "line 4: `parameters.0.default`: `a` must be a whole"),
        ("- name: a\n  choices: [b]\n  default: c", "line 4: `parameters.0.default`: `a` must be one"),
        ("- name: a\n  type: int\n  choices: [1, x]", "line 4: `parameters.0.choices`: `a` must be a"),
        ("- name: a\n  choices: []", "line 3: `parameters.0.choices` is a list of 1 to"),
        ("- name: a\n  default: .inf", "line 3: `parameters.0.default` must be finite"),
        ('- name: a\n  default: "\\ud800"', "line 3: `parameters.0.default` has half a character"),
        ("- pass-as: fast", "line 2: `parameters.0.pass-as` has to be `--NAME=VALUE`"),
        (ENDLESS, "line 3: `parameters.0.default` has more than 1000 values"),
        (HUGE, "line 3: `parameters.0.default` has more than 1000 values"),
    ],
)  # fmt: skip
def test_a_refusal_names_line_and_key(text: str, said: str) -> None:
    with pytest.raises(BadConfig) as refused:
        read_config(f"parameters:\n{text}\n".encode(), CATALOG)
    assert said in str(refused.value)
