"""A site behind nginx as the manual sets it up: https for people, the visitor's own address."""

import secrets
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

import httpx
import pytest
import yaml
from tests.support.hub import XSRF, notice
from tests.support.kernel import kernel
from tests.support.places import free_port
from tests.support.site import Site, running
from tests.support.tls import manual_blocks, nginx

pytestmark = pytest.mark.engine

HOST = "hub.localhost"
FAILURES = 3
REQUESTS_PER_MINUTE = 40


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, port = tmp_path_factory.mktemp("tls"), free_port(2)
    said = yaml.safe_load(manual_blocks("yaml")[0])["site"]
    del said["port"]
    with (
        running(
            folder / "data",
            site={**said, "host": HOST, "public_port": port},
            limits={"requests_per_minute": REQUESTS_PER_MINUTE},
            auth={"local": {"failures": FAILURES}},
        ) as site,
        nginx(
            folder / "nginx",
            host=HOST,
            tls_port=port,
            plain_port=port + 1,
            site_port=site.settings.site.port,
        ) as certificate,
        pytest.MonkeyPatch.context() as patch,
    ):
        # The tests' clients trust it as browsers trust a real one.
        patch.setenv("SSL_CERT_FILE", str(certificate))
        patch.setenv("WEBSOCKET_CLIENT_CA_BUNDLE", str(certificate))
        yield site


@contextmanager
def visitor(site: Site, address: str = "127.0.0.1", **headers: str) -> Iterator[httpx.Client]:
    """Somebody who comes from `address`, to nginx."""
    transport = httpx.HTTPTransport(local_address=address, verify=ssl.create_default_context())
    with httpx.Client(
        base_url=site.url, transport=transport, follow_redirects=True, headers=headers, timeout=60
    ) as client:
        yield client


def try_password(client: httpx.Client, name: str, password: str) -> httpx.Response:
    found = XSRF.search(client.get("/hub/login").text)
    assert found
    return client.post(
        "/hub/login", data={"username": name, "password": password, "_xsrf": found[1]}
    )


def test_addresses_are_those_that_people_see(behind: Site) -> None:
    assert behind.url == f"https://{HOST}:{behind.settings.site.public_port}"
    assert behind.url in behind.said()
    port = behind.settings.site.public_port + 1
    answer = httpx.get(f"http://{HOST}:{port}/hub/login", follow_redirects=False)
    assert answer.headers["location"] == f"{behind.url}/hub/login"


@dataclass(frozen=True)
class Cookie:
    """One that was set, with its flags in small letters."""

    host: str
    name: str
    flags: tuple[str, ...]


@contextmanager
def cookies_of(client: httpx.Client) -> Iterator[list[Cookie]]:
    """Collect what is set on the way; what is taken away is left out."""
    found: list[Cookie] = []

    def keep(answer: httpx.Response) -> None:
        for line in answer.headers.get_list("set-cookie"):
            first, *flags = (part.strip() for part in line.split(";"))
            name, _, value = first.partition("=")
            if value.strip('"'):
                found.append(Cookie(answer.url.host, name, tuple(flag.lower() for flag in flags)))

    client.event_hooks["response"] = [keep]
    yield found


def test_cookies_travel_over_https_alone_and_no_other_host_can_set_them(behind: Site) -> None:
    server = behind.start_server("cleo", image="base")
    with visitor(behind) as client, cookies_of(client) as cookies:
        assert try_password(client, "cleo", behind.make_user("cleo")).url.path == "/hub/home"
        # Both sign in by way of the hub.
        back = {"next": "/services/labs/limits"}
        assert client.get(f"{behind.labs_url}/login", params=back).url.path == back["next"]
        assert client.get(f"{server.url}lab").url.path == "/user/cleo/lab"
    behind.stop_server("cleo")
    assert {cookie.host.partition(".")[0] for cookie in cookies} == {
        "hub", "labs--service", "cleo",
    }  # fmt: skip
    assert [cookie for cookie in cookies if "secure" not in cookie.flags] == []
    for cookie in cookies:
        # A session's number is shared on purpose; it lets nobody in.
        if cookie.name != "jupyterhub-session-id":
            assert not [flag for flag in cookie.flags if flag.startswith("domain")], cookie
    letting_in = {"hub-login", "user-cleo"}
    names = {cookie.name for cookie in cookies}
    assert {f"__Host-jupyterhub-{name}" for name in letting_in} | {"__Host-labs-session"} <= names


def test_a_server_and_its_kernels_are_reached_over_https(behind: Site) -> None:
    server = behind.start_server("ada", image="base")
    assert server.url.startswith(f"https://ada.{HOST}")
    with kernel(server) as python3:
        assert python3.run("print(6 * 7)") == "42\n"
    behind.stop_server("ada")


def test_failed_sign_ins_count_for_the_visitor_and_not_for_the_proxy(behind: Site) -> None:
    behind.make_user("bob")
    with visitor(behind, "127.0.0.2") as thief:
        for _ in range(FAILURES):
            assert try_password(thief, "bob", "guess").status_code == HTTPStatus.FORBIDDEN
        late = try_password(thief, "bob", "guess")
        assert late.status_code == HTTPStatus.TOO_MANY_REQUESTS
        assert "Too many sign-ins failed here" in notice(late)
    with visitor(behind, "127.0.0.3") as bob:
        assert try_password(bob, "bob", behind.make_user("bob")).url.path == "/hub/home"


@pytest.mark.parametrize("header", ["X-Real-IP", "X-Forwarded-For", "Forwarded"])
def test_nobody_gets_more_guesses_by_inventing_an_address(behind: Site, header: str) -> None:
    name, source = f"p{secrets.token_hex(4)}", f"127.0.1.{secrets.randbelow(250) + 1}"
    behind.make_user(name)
    answers = []
    for number in range(FAILURES + 1):
        with visitor(behind, source, **{header: f"198.51.100.{number}"}) as thief:
            answers.append(try_password(thief, name, "guess").status_code)
    assert answers[-1] == HTTPStatus.TOO_MANY_REQUESTS


def test_requests_of_visitors_are_limited_one_address_at_a_time(behind: Site) -> None:
    address = f"{behind.labs_url}/api/v1/labs"
    with visitor(behind, "127.0.0.4") as many:
        answers = [many.get(address) for _ in range(REQUESTS_PER_MINUTE + 1)]
    assert [answer.status_code for answer in answers[:-1]] == [HTTPStatus.OK] * REQUESTS_PER_MINUTE
    refused = answers[-1]
    assert refused.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert refused.json()["code"]
    assert "from your address" in refused.json()["message"]
    with visitor(behind, "127.0.0.5", **{"X-Forwarded-For": "127.0.0.4"}) as other:
        assert other.get(address).is_success
    token = behind.token("ada")
    with visitor(behind, "127.0.0.4", Authorization=f"Bearer {token}") as known:
        assert known.get(address).is_success


def test_while_the_hub_is_away_visitors_see_a_page_of_the_site(behind: Site) -> None:
    with visitor(behind) as client:
        behind.kill("hub")
        answer = client.get("/hub/login")
        assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert "<h1>Nothing answers here now</h1>" in answer.text
        assert behind.settings.site.title in answer.text
        assert f'href="{behind.url}/hub/home"' in answer.text
