"""The site's life: start, second start, Ctrl-C, and parts that die."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from tests.support.site import Site, command, running

pytestmark = pytest.mark.engine

STOP_SECONDS = 5


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that the tests of this module may hurt."""
    with running(tmp_path_factory.mktemp("own")) as site:
        yield site


def test_the_start_says_its_steps_the_address_and_the_first_password(own: Site) -> None:
    said = own.said()
    assert own.url in said
    assert own.admin_password in said
    for step in ("Images", "Containers' network", "Database", "Proxy", "Hub", "Labs service"):
        assert f"  {step} … " in said


def test_secrets_are_for_the_owner_alone(own: Site) -> None:
    assert own.files.secrets.stat().st_mode & 0o777 == 0o700
    for path in own.files.secrets.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path.name


def test_the_login_page_is_reached_and_loopback_redirects_to_it(own: Site) -> None:
    port = own.settings.site.port
    with own.visitor() as client:
        assert "password" in client.get("/hub/login").text
        answer = client.get(f"http://127.0.0.1:{port}/")
    assert answer.url.host.endswith("hub.localhost")


def test_an_account_signs_in_and_reaches_home(own: Site) -> None:
    with own.sign_in("ada") as client:
        home = client.get("/hub/home")
    assert home.status_code == 200
    assert home.url.path == "/hub/home"


def test_a_person_starts_a_server_and_reaches_it(own: Site) -> None:
    server = own.start_server("bea", image="base", flavour="cpu-small")
    try:
        with server.client() as client:
            answer = client.get("api/status")
        assert answer.status_code == 200, answer.text
    finally:
        own.stop_server("bea")


def test_the_door_serves_the_two_apis_and_nothing_else(own: Site) -> None:
    door = own.addresses.door
    assert httpx.get(f"{door}/hub/api/").status_code == 200
    assert httpx.get(f"{door}/services/labs/api/v1/licences").status_code == 200
    for path in ("/", "/hub/login", "/services/labs/", "/user/ada/"):
        assert httpx.get(f"{door}{path}").status_code == 404, path


@pytest.mark.parametrize("part", ["hub", "labs", "proxy", "door", "culler"])
def test_a_part_that_is_killed_comes_back(own: Site, part: str) -> None:
    with (own.files.run / f"{part}.pid").open(encoding="ascii") as opened:
        before = own.kill(part)
        wait_until(lambda: (pid := pid_of(own, part)) is not None and pid != before)
        # Whoever reads it in that moment has the old or the new one, and never an empty file.
        assert opened.read() == f"{before}\n"
    addresses = own.addresses
    ready = {
        "hub": f"{addresses.hub_local}/hub/health",
        "labs": f"{addresses.labs_local}/services/labs/health",
        "proxy": f"{own.url}/hub/health",
        "door": f"{addresses.door}/hub/api/",
    }
    if part in ready:
        wait_until(lambda: answers(ready[part]))
    assert "ended (signal SIGKILL)" in own.log("up")


def test_a_second_up_on_the_same_data_refuses(own: Site) -> None:
    done = up(own.data)
    assert done.returncode == 1
    assert "already runs" in done.stderr
    assert str(own.process.pid if own.process else "") in done.stderr
    assert "Traceback" not in done.stderr


def test_logs_hold_no_secret(own: Site) -> None:
    own.sign_in("cleo")
    secrets = {path.name: path.read_text().strip() for path in own.files.secrets.iterdir()}
    for log in own.files.logs.iterdir():
        text = log.read_text(errors="replace")
        assert [name for name, secret in secrets.items() if secret in text] == [], log.name


def test_check_finds_nothing_bad_in_a_running_site(own: Site) -> None:
    done = order("check", "--data", str(own.data))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok    engine" in done.stdout
    assert "ok    door" in done.stdout
    assert not [line for line in done.stdout.splitlines() if line.startswith("bad")]


def test_a_person_is_added_listed_and_deleted(own: Site) -> None:
    data = ("--data", str(own.data))
    assert order("users", "add", *data, "dora").returncode == 0
    assert "dora" in order("users", "list", *data).stdout
    asked = order("users", "delete", *data, "dora")
    assert asked.returncode == 1
    assert "trash" in asked.stdout
    done = order("users", "delete", *data, "dora", "--yes", "--home", "remove")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "dora" not in order("users", "list", *data).stdout


def test_ctrl_c_ends_every_part_and_the_next_start_adopts_servers(own: Site) -> None:
    server = own.start_server("eve", image="base", flavour="cpu-small")
    pids = [pid_of(own, part) for part in ("proxy", "door", "hub", "labs", "culler")]
    assert own.stop() <= STOP_SECONDS
    assert [pid for pid in pids if pid and is_alive(pid)] == []
    assert container_runs(server.container)
    own.start()
    with server.client() as client:
        wait_until(lambda: client.get("api/status").status_code == 200)
    own.stop_server("eve")


def test_killing_up_itself_leaves_no_part_behind(own: Site) -> None:
    pids = [pid_of(own, part) for part in ("proxy", "door", "hub", "labs", "culler")]
    own.stop(signal.SIGKILL)
    wait_until(lambda: not [pid for pid in pids if pid and is_alive(pid)])
    own.start()


def test_uninstall_refuses_while_the_site_runs_and_keeps_homes_later(own: Site) -> None:
    own.start_server("finn", image="base", flavour="cpu-small")
    data = ("--data", str(own.data))
    assert "Stop it" in order("uninstall", *data, "--yes", "--keep-images").stderr
    own.stop()
    assert order("uninstall", *data, "--keep-images").returncode == 1
    done = order("uninstall", *data, "--yes", "--keep-images")
    assert done.returncode == 0, done.stdout + done.stderr
    assert docker("ps", "-aq", "--filter", f"label=machinelabs.site={own.place.prefix}") == ""
    assert f"{own.place.prefix}-home-finn" in docker("volume", "ls", "-q")
    assert own.place.network not in docker("network", "ls", "--format", "{{.Name}}").split()
    assert (own.data / "settings.yaml").exists()
    order("uninstall", *data, "--yes", "--keep-images", "--homes")
    assert f"{own.place.prefix}-home-finn" not in docker("volume", "ls", "-q")


def wait_until(claim: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.1)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False


def pid_of(site: Site, part: str) -> int | None:
    try:
        return site.pid(part)
    except (FileNotFoundError, ValueError):
        return None


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def container_runs(name: str) -> bool:
    return docker("inspect", "-f", "{{.State.Running}}", name) == "true"


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def order(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )


def up(data: Path) -> subprocess.CompletedProcess[str]:
    return order("up", "--data", str(data))
