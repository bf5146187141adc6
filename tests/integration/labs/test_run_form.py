"""The form of a new run on the real service: typed fields, and what an order takes from them."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support.content import cell, notebook
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.labs.models.person import Person

VALUES = (
    "epochs = 3  # how long it learns\nrate = 0.1\nverbose = False\nkind: Literal['a', 'b'] = 'a'"
)


def tagged(source: str) -> dict[str, Any]:
    return cell("code", source, "p") | {"metadata": {"tags": ["parameters"]}}


BOOK = notebook([tagged(VALUES), cell("code", "fit(epochs)", "fit")])
FILES = {"main.ipynb": BOOK, "train.py": b"print(1)\n"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("run-form")) as made:
        made.seen_as(Person("ada", "Ada"))
        yield made


@pytest.fixture
def ada(server: LabsServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"X-As": "ada"}, timeout=30) as http:
        yield http


def page(http: httpx.Client, path: str, status: int = 200) -> str:
    answer = http.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


def test_the_form_has_a_typed_field_for_each_parameter(
    server: LabsServer, ada: httpx.Client
) -> None:
    lab = server.publish("ada", FILES, title="Form")
    html = page(ada, f"/{lab.path}/runs/new")
    assert 'name="p.epochs" value="3"' in html
    assert 'type="number" step="1"' in html
    assert 'name="p.rate" value="0.1"' in html
    assert "how long it learns. A whole number" in html
    assert "<option selected>false</option>" in html
    assert "<option selected>a</option>" in html
    assert 'name="path" value="main.ipynb"' in html
    script = page(ada, f"/{lab.path}/runs/new?path=train.py")
    assert "NAME=VALUE, one a line" in script
    run = f'href="/services/labs/{lab.path}/runs/new"'
    assert run in page(ada, f"/{lab.path}")


def test_what_ml_yaml_declares_of_a_script_is_its_form_and_its_defaults(
    server: LabsServer, ada: httpx.Client
) -> None:
    said = (
        b"entrypoint: train.py\nparameters:\n  - {name: epochs, default: 3, help: How long}\n"
        b"  - {name: optimizer, choices: [sgd, adam]}\n"
    )
    files = {"train.py": b"print(1)\n", "other.py": b"", "ml.yaml": said}
    lab = server.publish("ada", files, title="Declared")
    html = page(ada, f"/{lab.path}/runs/new")
    assert 'name="p.epochs" value="3"' in html
    assert "How long. A whole number" in html
    assert "<option>adam</option>" in html
    assert 'name="arguments"' in page(ada, f"/{lab.path}/runs/new?path=other.py")
    form = {"_csrf": "-", "path": "train.py", "p.epochs": "3", "p.optimizer": "adam"}
    assert ada.post(f"/{lab.path}/runs", data=form).status_code == 303
    run = server.tools.runs.find(lab, 1)
    assert run is not None
    assert run.parameters == {"epochs": 3, "optimizer": "adam"}
    again = page(ada, f"/{lab.path}/runs/new?like=1")
    assert "<option selected>adam</option>" in again
    wrong = ada.post(f"/{lab.path}/runs", data=form | {"p.optimizer": "lion"})
    assert "`optimizer` must be one of sgd, adam." in wrong.text


def test_an_order_takes_what_differs_from_the_defaults_and_goes_to_the_run(
    server: LabsServer, ada: httpx.Client
) -> None:
    lab = server.publish("ada", FILES, title="Order")
    form = {"_csrf": "-", "revision": "1", "path": "main.ipynb", "name": "Longer",
            "p.epochs": "9", "p.rate": "0.1", "p.verbose": "true", "p.kind": "a"}  # fmt: skip
    wrong = ada.post(f"/{lab.path}/runs", data=form | {"p.epochs": "many"})
    assert wrong.status_code == 422
    assert "`epochs` must be a whole number, not “many”." in wrong.text
    assert 'value="many"' in wrong.text
    made = ada.post(f"/{lab.path}/runs", data=form)
    assert made.headers["location"] == f"/services/labs/{lab.path}/runs/1"
    run = server.tools.runs.find(lab, 1)
    assert run is not None
    assert (run.parameters, run.name, run.revision) == ({"epochs": 9, "verbose": True}, "Longer", 1)
    again = page(ada, f"/{lab.path}/runs/new?like=1")
    assert 'name="p.epochs" value="9"' in again
    assert "<option selected>true</option>" in again
    script = form | {"path": "train.py", "arguments": "rate=0.5\n--n=3\n"}
    assert ada.post(f"/{lab.path}/runs", data=script).status_code == 303
    second = server.tools.runs.find(lab, 2)
    assert second is not None
    assert second.parameters == {"rate": "0.5", "n": "3"}
    listed = page(ada, f"/{lab.path}/runs")
    assert listed.index("#2") < listed.index("#1 Longer")
    assert "epochs=9" in listed
    assert "#1" not in page(ada, f"/{lab.path}/runs?state=running").split("ml-states")[1]
