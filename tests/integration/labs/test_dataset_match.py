"""A dataset is changed only as it was read, where `If-Match` asks for that."""

import threading
from collections.abc import Iterator

import httpx
import pytest
from tests.support.content import cell, notebook
from tests.support.datasets import begin, make, push
from tests.support.labs_service import LabsServer, labs_server
from tests.support.run_desk import ended_run

from machinelabs_hub.labs.models.person import Person


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabsServer]:
    with labs_server(tmp_path_factory.mktemp("labs") / "data") as running:
        running.seen_as(Person("ada", "Ada"))
        running.publish("ada", {"main.ipynb": notebook([cell("code", "1", "a")])}, name="lab")
        yield running


@pytest.fixture
def api(server: LabsServer) -> Iterator[httpx.Client]:
    at = f"http://127.0.0.1:{server.settings.site.port}/services/labs/api/v1"
    with httpx.Client(base_url=at, headers={"X-As": "ada"}, timeout=30) as client:
        yield client


def test_a_change_is_refused_if_the_dataset_changed_since_it_was_read(
    server: LabsServer, api: httpx.Client
) -> None:
    make(api, "ada", "matched")
    path = "/datasets/ada/matched"
    ended_run(server, {"a.csv": b"1"})
    read = {"If-Match": api.get(path).headers["ETag"]}
    changed = api.patch(path, json={"title": "New"}, headers=read)
    assert changed.status_code == 200
    assert changed.headers["ETag"] == api.get(path).headers["ETag"] != read["If-Match"]

    upload = f"{path}/uploads/{begin(api, 'ada', 'ada/matched', {'b': b''})['id']}"
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    api.put(f"{upload}/contents/{empty}", content=b"").raise_for_status()
    run = {"lab": "ada/lab", "run": 1}
    for stale in (
        api.patch(path, json={"title": "Newer"}, headers=read),
        api.delete(path, headers=read),
        api.post(f"{upload}/finish", headers=read),
        api.post(f"{path}/versions", json=run, headers=read),
    ):
        assert (stale.status_code, stale.json()["code"]) == (412, "stale"), stale.text
        assert "ada/matched was changed meanwhile" in stale.json()["message"]
    now = api.get(path)
    assert (now.json()["title"], now.json()["version"]) == ("New", 0)

    either = {"If-Match": f'"other", {now.headers["ETag"]}'}
    assert api.post(f"{upload}/finish", headers=either).status_code == 201
    assert api.post(f"{path}/versions", json=run, headers=either).status_code == 412
    push(api, "ada", "ada/matched", {"c": b"1"})
    assert api.delete(path, headers={"If-Match": "*"}).status_code == 204


def test_of_many_changes_of_what_was_read_one_is_done(api: httpx.Client) -> None:
    make(api, "ada", "contested")
    path = "/datasets/ada/contested"
    read = {"If-Match": api.get(path).headers["ETag"]}
    statuses: list[int] = []

    def change(number: int) -> None:
        body = {"title": f"By {number}"}
        statuses.append(api.patch(path, json=body, headers=read).status_code)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [412] * 7
