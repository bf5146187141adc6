"""Start and stop: what is offered starts, anything else is refused however it is asked."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support.inside import inside, python
from tests.support.site import Site
from tests.support.waiting import wait_until

from machinelabs_hub.spawn.containers import list_containers, list_homes, remove_home

pytestmark = pytest.mark.engine

REFUSED: list[dict[str, Any]] = [
    {"image": "docker.io/library/evil"},
    {"flavour": "huge"},
    {"image": "base", "volumes": "/:/host"},
]


@pytest.fixture(scope="module")
def person(site: Site) -> Iterator[httpx.Client]:
    with site.sign_in("start-ada") as client:
        yield client


def tag_of(page: str, value: str) -> str:
    """The input element of the start page that chooses `value`."""
    tags: list[str] = re.findall(r"<input[^>]*>", page)
    return next(tag for tag in tags if f'value="{value}"' in tag)


def submit(client: httpx.Client, user: str, fields: dict[str, Any]) -> httpx.Response:
    page = client.get(f"/hub/spawn/{user}")
    action = re.search(r'id="spawn_form"\s+action="([^"]+)"', page.text)
    assert action
    return client.post(action[1].replace("&amp;", "&"), data=fields)


def nothing_was_made(site: Site, user: str) -> bool:
    return list_containers(site.settings, user=user) == []


def test_the_start_page_shows_what_is_inside_how_large_and_what_is_closed(
    person: httpx.Client,
) -> None:
    page = person.get("/hub/spawn").text
    for words in ("JupyterLab", "Data science", "scikit-learn", "MiB", "2 GiB of memory"):
        assert words in page
    assert "checked" in tag_of(page, "datascience")
    assert "disabled" in tag_of(page, "gpu-small")
    assert "This site has no GPU." in page


@pytest.mark.parametrize("options", REFUSED)
def test_a_form_with_anything_else_is_refused(
    site: Site, person: httpx.Client, options: dict[str, Any]
) -> None:
    answer = submit(person, "start-ada", options)
    assert answer.status_code == 422
    assert_refusal_page(answer.text)
    assert nothing_was_made(site, "start-ada")


@pytest.mark.parametrize("options", REFUSED)
@pytest.mark.parametrize("prefix", ["", "opt-"])
def test_a_query_with_anything_else_is_refused(
    site: Site, person: httpx.Client, options: dict[str, Any], prefix: str
) -> None:
    query = {f"{prefix}{key}": value for key, value in options.items()}
    answer = person.get("/hub/spawn/start-ada", params=query)
    assert answer.status_code == 422
    assert_refusal_page(answer.text)
    assert nothing_was_made(site, "start-ada")


def assert_refusal_page(page: str) -> None:
    told = re.search(r'spawn-error-msg">([^<]+)</p>', page)
    assert told, page[-2000:]
    assert "There is no" in told[1] or "does not take" in told[1]
    assert "Refusal" not in page
    assert "Traceback" not in page


@pytest.mark.parametrize("options", [*REFUSED, {"image": ["base"]}, {"image": 7}])
def test_the_api_refuses_with_a_sentence(site: Site, options: dict[str, Any]) -> None:
    token = site.token("start-ada")
    for body in (options, {"user_options": options}):
        answer = httpx.post(
            f"{site.url}/hub/api/users/start-ada/server",
            headers={"Authorization": f"token {token}"},
            json=body,
            timeout=30,
        )
        assert answer.status_code == 422
        assert answer.json()["message"].endswith(".")
    assert nothing_was_made(site, "start-ada")


def test_a_gpu_flavour_is_refused_with_what_to_do(site: Site) -> None:
    answer = site.operator("POST", "/users/start-ada/server", json={"flavour": "gpu-small"})
    assert answer.status_code == 409
    assert "Choose a size without one." in answer.json()["message"]


@pytest.mark.parametrize("name", ["UPPER", "a_b", "-a", "a--b", "a.b", "x" * 31, "%2e%2e", "é"])
def test_a_bad_name_of_a_server_is_refused(site: Site, name: str) -> None:
    answer = site.operator("POST", f"/users/start-ada/servers/{name}", json={"image": "base"})
    assert answer.status_code in {400, 404}
    assert nothing_was_made(site, "start-ada")


def test_a_refused_choice_does_not_stick(site: Site) -> None:
    site.make_user("start-bob")
    assert site.operator("POST", "/users/start-bob/server", json={"image": "nope"}).is_error
    server = site.start_server("start-bob")
    labels = list_containers(site.settings, user="start-bob")
    assert [(row.image, row.flavour) for row in labels] == [("datascience", "cpu-small")]
    assert labels[0].name == server.container
    site.stop_server("start-bob")


def test_the_form_starts_what_was_chosen_and_the_page_remembers_it(
    site: Site, person: httpx.Client
) -> None:
    answer = submit(person, "start-ada", {"image": "base", "flavour": "cpu-medium"})
    assert "/hub/spawn-pending/start-ada" in str(answer.url) or answer.is_success
    wait_until(lambda: ready(site, "start-ada"), seconds=60, what="the server is ready")
    found = list_containers(site.settings, user="start-ada")
    assert [(row.image, row.flavour, row.running) for row in found] == [
        ("base", "cpu-medium", True)
    ]
    site.stop_server("start-ada")
    assert nothing_was_made(site, "start-ada")
    page = person.get("/hub/spawn").text
    assert "checked" in tag_of(page, "base")
    assert "checked" in tag_of(page, "cpu-medium")


def ready(site: Site, user: str) -> bool:
    servers = site.operator("GET", f"/users/{user}").json().get("servers", {})
    return bool(servers.get("", {}).get("ready"))


def test_each_phase_is_told_with_its_seconds(site: Site) -> None:
    site.make_user("start-eve")
    assert site.operator("POST", "/users/start-eve/server", json={"image": "base"}).is_success
    events = list(progress(site, "start-eve"))
    assert events[-1]["ready"]
    told = [event for event in events if "phases" in event][-1]
    assert [row["name"] for row in told["phases"]] == ["queue", "pull", "create", "start", "ready"]
    assert told["phases"][-1]["state"] in {"now", "done"}
    assert all(row["seconds"] >= 0 for row in told["phases"])
    assert told["seconds"] > 0
    site.stop_server("start-eve")


def progress(site: Site, user: str) -> Iterator[dict[str, Any]]:
    token = site.files.secret("operator_api_token")
    address = f"{site.addresses.hub_local}/hub/api/users/{user}/server/progress"
    headers = {"Authorization": f"token {token}"}
    with httpx.stream("GET", address, headers=headers, timeout=60) as answer:
        for line in answer.iter_lines():
            if line.startswith("data:"):
                yield json.loads(line[5:])


def test_a_start_that_is_cancelled_leaves_nothing(site: Site) -> None:
    site.make_user("start-fay")
    site.operator("POST", "/users/start-fay/server", json={"image": "base"})
    assert site.operator("DELETE", "/users/start-fay/server").status_code in {202, 204}
    wait_until(
        lambda: nothing_was_made(site, "start-fay") and not pending(site, "start-fay"),
        seconds=30,
        what="nothing is left",
    )


def pending(site: Site, user: str) -> bool:
    servers = site.operator("GET", f"/users/{user}").json().get("servers", {})
    return bool(servers.get("", {}).get("pending"))


def test_a_server_that_ran_out_of_memory_says_so(site: Site) -> None:
    server = site.start_server("start-gil", image="base", flavour="cpu-small")
    # The server itself is what the kernel ends, as when a file that it opens is too large.
    victim = inside(server.container, "pgrep", "-f", "jupyterhub-singleuser").out.split()[-1]
    inside(server.container, "sh", "-c", f"echo 1000 > /proc/{victim}/oom_score_adj")
    eat = "food=[]\nwhile True: food.append(bytearray(64 << 20))"
    python(server.container, eat)
    wait_until(
        lambda: not any(row.running for row in list_containers(site.settings, user="start-gil")),
        seconds=20,
        what="the container ends",
    )
    with site.sign_in("start-gil") as client:
        # The page looks at the server itself; the hub's own look comes a little later.
        page = client.get("/hub/spawn-pending/start-gil")
    assert "Your server ran out of its 2 GiB of memory" in page.text


def test_a_home_is_listed_and_removed_by_its_persons_name_only(site: Site) -> None:
    server = site.start_server("start-hal", image="base")
    assert "start-hal" in [home.user for home in list_homes(site.settings)]
    assert server.container in [row.name for row in list_containers(site.settings)]
    site.stop_server("start-hal")
    assert remove_home(site.settings, "start-hal")
    assert not remove_home(site.settings, "start-hal")
    assert "start-hal" not in [home.user for home in list_homes(site.settings)]
