"""Values of runs that no page, no program and no database takes are refused, whoever sends them."""

from collections.abc import Iterator

import httpx
import pytest
from tests.support.labs_service import LabsServer, labs_server

from machinelabs_hub.labs.models.person import Person

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("values")) as made:
        made.seen_as(Person("ada", "Ada"), Person("ben", "Ben"))
        yield made


@pytest.mark.parametrize(
    ("where", "body"),
    [
        ("runs", '{"parameters": {"a": %s}}'),
        ("sweeps", '{"grid": {"a": [1, %s]}}'),
        ("schedules", '{"cron": "0 6 * * *", "run": {"parameters": {"a": %s}}}'),
    ],
)
def test_what_cannot_be_told_to_others_is_not_ordered(
    server: LabsServer, where: str, body: str
) -> None:
    lab = server.publish("ada", {"main.py": b"1"}, name=f"of-{where}", title="Of")
    api = f"api/v1/labs/{lab.path}/{where}"
    values = ("[NaN]", '{"x": Infinity}', "[" * 300 + "]" * 300, "[" * 900 + "]" * 900)
    texts = ('"\\ud800"', '["\\udfff"]', '{"\\ud800": 1}', '["a\\u0000"]', f"[1{'0' * 400}]")
    # Whoever may read a lab may run it, and must not spoil its lists for others.
    head = {"X-As": "ben", "Content-Type": "application/json"}
    with httpx.Client(base_url=server.url, headers=head, timeout=30) as ben:
        for value in (*values, *texts):
            answer = ben.post(api, content=body % value)
            assert answer.status_code == 422, (value, answer.text)
            assert answer.json()["code"] == "bad_parameter"
            assert ben.get(api).json() == {"items": [], "next": None}
        assert ben.post(api, content=body % '{"b": [[1.5, "ü", null]]}').status_code == 201
        assert len(ben.get(api).json()["items"]) == 1
