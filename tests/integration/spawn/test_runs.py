"""Runs in containers of a real site: from the order to what is kept, and what goes wrong."""

import asyncio
import json
import subprocess
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from tests.support.content import cell, notebook
from tests.support.inside import python
from tests.support.kernel_socket import ask_kernel
from tests.support.site import Site
from tests.support.site_labs import api
from tests.support.site_runs import FINAL, SiteRun, again, most_at_once, start
from tests.support.waiting import wait_until

from machinelabs_hub.db.engine import open_engine, session_maker
from machinelabs_hub.plans.model import Use
from machinelabs_hub.plans.usage import UsageTable
from machinelabs_hub.sites import database_url

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

SLOW = (
    b"import pathlib, time\npathlib.Path('outputs').mkdir()\n"
    b"pathlib.Path('outputs/half.txt').write_text('half')\n"
    b"for i in range(400):\n    print(i, flush=True)\n    time.sleep(.05)\n"
)


def nb(*sources: str) -> bytes:
    return notebook([cell("code", source, f"c{at}") for at, source in enumerate(sources)])


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def running(site: Site, name: str, work: bytes = SLOW, *, says: str = "10\n") -> SiteRun:
    """Start a script, and wait until it has said something."""
    run = start(site, "run-ada", name, {"main.py": work})
    wait_until(lambda: says in run.said(), seconds=60, what=f"{name} says {says!r}")
    return run


def settled(run: SiteRun) -> None:
    wait_until(run.is_gone, seconds=60, what=f"nothing is left of {run.server}")


def test_a_notebook_runs_from_the_order_to_its_outputs(site: Site) -> None:
    run = start(
        site,
        "run-ada",
        "first",
        {
            "main.ipynb": nb(
                "import pathlib\nprint('hello')",
                "pathlib.Path('outputs').mkdir()\n"
                "pathlib.Path('outputs/made.txt').write_text('made')\n6 * 7",
            )
        },
        image="base",
    )
    assert run.wait_for() == "finished"
    assert run.said() == "hello\n"
    assert run.outputs() == ["made.txt"]
    assert run.get("/outputs/made.txt").text == "made"
    executed = json.loads(run.get("/notebook").text)
    assert executed["cells"][1]["outputs"][0]["data"]["text/plain"] == ["42"]
    told = run.get().json()
    assert [one["state"] for one in told["states"]] == [
        "queued", "starting", "running", "finished"
    ]  # fmt: skip
    settled(run)


def test_what_its_code_measures_is_there_while_it_runs(site: Site) -> None:
    work = (
        b"import time, machinelabs\nfor step in range(3):\n"
        b"    machinelabs.log(loss=1 / (step + 1), phase='training', step=step)\n"
        b"print('logged', flush=True)\ntime.sleep(300)\n"
    )
    run = running(site, "measures", work, says="logged")
    wait_until(lambda: run.get("/metrics").json()["metrics"], seconds=10, what="a metric is there")
    told = run.get("/metrics").json()
    assert [(one["step"], one["value"]) for one in told["metrics"][0]["points"]] == [
        (0, 1.0), (1, 0.5), (2, 1 / 3)
    ]  # fmt: skip
    assert told["tags"] == {"phase": "training"}
    run.order("stop")
    assert run.wait_for() == "stopped"


def test_an_exception_is_failed_with_its_cell_and_traceback(site: Site) -> None:
    run = start(site, "run-ada", "raises", {"main.ipynb": nb("1", "{}['missing']")})
    assert run.wait_for() == "failed"
    assert run.reason["cell"] == 1
    assert run.reason["ename"] == "KeyError"
    assert any("missing" in line for line in run.reason["traceback"])
    settled(run)


def test_a_run_that_is_stopped_keeps_its_outputs(site: Site) -> None:
    run = running(site, "stopped")
    run.order("stop")
    assert run.wait_for(seconds=20) == "stopped"
    assert run.outputs() == ["half.txt"]
    settled(run)


def test_a_run_whose_server_is_deleted_at_the_hub_keeps_its_outputs(site: Site) -> None:
    run = running(site, "deleted")
    site.operator("DELETE", f"/users/run-ada/servers/{run.server}", json={"remove": True})
    assert run.wait_for(seconds=40) == "stopped"
    assert run.outputs() == ["half.txt"]
    settled(run)


def test_a_run_whose_container_is_killed_is_lost_with_what_it_said_and_made(site: Site) -> None:
    run = running(site, "killed")
    wait_until(run.outputs, seconds=20, what="what it put out is kept while it runs")
    docker("kill", run.container)
    assert run.wait_for(seconds=90) == "lost"
    assert "10\n" in run.said()
    assert run.outputs() == ["half.txt"]
    settled(run)


def test_a_run_outlives_the_labs_service_without_a_line_lost_or_doubled(site: Site) -> None:
    run = running(site, "labs-dies")
    old = site.kill("labs")
    wait_until(lambda: site.pid("labs") != old, seconds=60, what="the labs service is back")
    assert run.wait_for(seconds=90) == "finished"
    assert run.said() == "".join(f"{i}\n" for i in range(400))
    settled(run)


def test_a_run_outlives_the_hub(site: Site) -> None:
    run = running(site, "hub-dies")
    site.kill("hub")
    assert run.wait_for(seconds=90) == "finished"
    assert run.said() == "".join(f"{i}\n" for i in range(400))
    settled(run)


THIEF = r"""
import glob, json, os, pathlib, socket, subprocess, urllib.request

def tries(name, steal):
    try:
        got = steal()
    except Exception as error:
        got = f"{type(error).__name__}"
    print(json.dumps([name, str(got)]), flush=True)

first = "/proc/1"
tries("environ", lambda: open(f"{first}/environ").read())
tries("memory", lambda: open(f"{first}/mem", "rb").read(1))
tries("maps", lambda: open(f"{first}/maps").read())
tries("files", lambda: os.listdir(f"{first}/fd"))
tries("cwd", lambda: os.readlink(f"{first}/cwd"))
tries("kill", lambda: (os.kill(1, 9), os.kill(1, 19), "sent")[-1])
tries("alive", lambda: os.path.exists(f"{first}/stat"))
tries("trace", lambda: subprocess.run(["python3", "-c", (
    "import ctypes; libc = ctypes.CDLL(None, use_errno=True);"
    "print(libc.ptrace(16, 1, 0, 0), ctypes.get_errno())")],
    capture_output=True, text=True).stdout.strip())
tries("own environ", lambda: sorted(n for n in os.environ if "MACHINELABS_RUN_" in n or "TOKEN" in n or "JUPYTERHUB" in n))
tries("nice", lambda: os.nice(0))
tries("wire", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)))
tries("door", lambda: socket.create_server(("", 8888)))
tries("home", lambda: sorted(os.listdir(os.path.expanduser("~"))))
tries("command line", lambda: open(f"{first}/cmdline").read().replace("\0", " "))
found = []
for pattern in ("/tmp/**", os.path.expanduser("~/**"), "/dev/shm/**", "/run/**"):
    for path in glob.glob(pattern, recursive=True, include_hidden=True):
        try:
            found += [path] if os.path.isfile(path) and b"Bearer" in open(path, "rb").read() else []
        except OSError:
            pass
tries("files with a token", lambda: [f for f in found if not f.endswith("main.py")])
url = "%(url)s"
def post(path, body, **headers):
    request = urllib.request.Request(url + path, json.dumps(body).encode(),
        {"Content-Type": "application/json", **headers})
    try:
        return urllib.request.urlopen(request, timeout=5).status
    except urllib.error.HTTPError as error:
        return error.code
tries("log of another", lambda: post("/runner/1/events", {"first": 1, "events": []}))
tries("as its owner", lambda: post("/labs/run-ada/thief/runs", {}))
tries("code again", lambda: post("/runner/%(run)s/exchange", {"code": "guess", "token": "t" * 43}))
"""


def test_the_code_of_a_run_reaches_nothing_but_its_own_work(site: Site) -> None:
    url = f"{site.addresses.door}/services/labs/api/v1"
    work = THIEF.replace("%(url)s", url).replace("%(run)s", "2")
    run = start(site, "run-ada", "thief", {"main.py": work.encode()})
    assert run.wait_for() == "finished", run.reason
    got = dict(json.loads(line) for line in run.said().splitlines())
    refused = {"PermissionError"}
    for name in ("environ", "memory", "maps", "files", "cwd", "wire"):
        assert got[name] in refused, (name, got[name])
    assert got["alive"] == "True"
    assert got["trace"] == "-1 1"
    assert got["own environ"] == "[]"
    assert got["nice"] == "19"
    # Who looks into it would find the code there.
    assert got["door"] == "OSError"
    fresh = "['.bash_logout', '.bashrc', '.local', '.profile', 'datasets', 'run']"
    assert got["home"] == fresh
    assert got["files with a token"] == "[]"
    assert got["command line"].split() == ["/opt/ml/bin/python", "-I", "-m", "machinelabs.runner"]
    assert got["log of another"] == "403"
    # Its own lab is private: to the code it is not even there.
    assert got["as its owner"] == "404"
    assert got["code again"] == "403"


def test_a_run_that_forks_without_end_is_stopped_and_nothing_is_left(site: Site) -> None:
    work = b"import os, time\nprint('10', flush=True)\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        time.sleep(.01)\n"
    run = running(site, "fork-bomb", work)
    time.sleep(2)
    run.order("stop")
    assert run.wait_for(seconds=40) == "stopped"
    settled(run)


def test_a_notebook_that_runs_out_of_memory_says_so(site: Site) -> None:
    work = nb("print('10')", "hog = []\nwhile True:\n    hog.append(bytearray(1 << 26))")
    run = start(site, "run-ada", "hog", {"main.ipynb": work}, flavour="cpu-small")
    assert run.wait_for(seconds=120) == "failed"
    assert run.reason["sentence"] == "The notebook ran out of memory, and its kernel was ended."
    assert run.reason["cell"] == 1
    settled(run)


def test_a_run_that_is_ordered_just_before_the_hub_is_killed_runs_all_the_same(site: Site) -> None:
    run = start(site, "run-ada", "early", {"main.py": b"print('here')\n"})
    time.sleep(0.3)
    site.kill("hub")
    assert run.wait_for(seconds=120) == "finished", run.reason
    assert run.said() == "here\n"
    settled(run)


def test_more_runs_than_may_run_at_once_run_one_after_another(site: Site) -> None:
    first = start(site, "run-eve", "many", {"main.py": b"print('done')\n"})
    runs = [first, *(again(site, "run-eve", first.token, first.lab) for _ in range(7))]
    most = 0

    def all_ended() -> bool:
        nonlocal most
        servers = site.operator("GET", "/users/run-eve").json()["servers"]
        most = max(most, len(servers))
        return all(run.state in FINAL for run in runs)

    wait_until(all_ended, seconds=150, what="all runs ended")
    assert [run.state for run in runs] == ["finished"] * 8
    assert [run.said() for run in runs] == ["done\n"] * 8
    told = [run.get().json() for run in runs]
    began = [one["started_at"] for one in told]
    assert began == sorted(began)
    assert most_at_once(told) == 2
    assert most <= 4, "a container that is removed gives its place away, and no more"
    for run in runs:
        settled(run)


def test_a_run_uses_hours_as_a_run_and_is_no_server_of_its_person(site: Site) -> None:
    run = running(site, "metered")
    # The plan has one server at once, and the run is none of it.
    site.start_server("run-ada", image="base")
    usage = UsageTable(sessions=session_maker(open_engine(database_url(site.settings))))

    def rows() -> list[Use]:
        found = usage.of("run-ada", datetime.now(UTC) - timedelta(hours=1))
        return [one for one in found if one.session.server in {run.server, ""}]

    # Each second is looked who runs: what ends sooner may not be seen.
    wait_until(lambda: len(rows()) == 2, seconds=40, what="both are charged")
    run.order("stop")
    run.wait_for("stopped")
    settled(run)
    site.stop_server("run-ada")
    wait_until(lambda: not any(one.is_open for one in rows()), seconds=40, what="both are closed")
    kinds = {one.session.server: one.session.is_run for one in rows()}
    assert kinds == {run.server: True, "": False}
    assert len(rows()) == 2


def test_people_cannot_start_servers_that_are_called_like_runs(site: Site) -> None:
    token = site.token("run-bob")
    with httpx.Client(
        base_url=f"{site.addresses.hub_local}/hub/api", headers={"Authorization": f"token {token}"}
    ) as bob:
        for body in ({}, {"image": "base"}, {"ticket": "e30.e30"}):
            answer = bob.post("/users/run-bob/servers/run-999", json=body)
            assert answer.status_code == 403, answer.text
        answer = bob.post("/users/run-bob/server", json={"ticket": "e30.e30"})
        assert answer.status_code == 422, answer.text


def test_a_runs_container_has_no_home_and_none_of_the_hubs_secrets(site: Site) -> None:
    run = running(site, "bare")
    seen = json.loads(docker("inspect", run.container))[0]
    # The site's own data sets, which nobody can change from in there; no home.
    assert [(one["Destination"], one["RW"]) for one in seen["Mounts"]] == [
        ("/home/jovyan/datasets", False)
    ]
    assert seen["HostConfig"]["Init"] is False
    names = {row.partition("=")[0] for row in seen["Config"]["Env"]}
    assert not [name for name in names if name.startswith(("JUPYTERHUB", "JPY", "GIT"))]
    shown = site.operator("GET", f"/users/run-ada/servers/{run.server}").text
    assert "ticket" not in shown
    # Not even its owner's other programs in there could ask in its name.
    assert python(run.container, "print(open('/proc/1/environ').read())").code == 1
    run.order("stop")
    run.wait_for("stopped")


def test_its_person_looks_into_a_run_that_failed_and_was_held(site: Site) -> None:
    work = nb("import os\nprint('10')\nsecret = 'seen'", "raise ValueError('no')")
    run = start(site, "run-ada", "held", {"main.ipynb": work}, hold=True)
    assert run.wait_for() == "failed"
    body = run.get().json()
    assert body["held_until"]
    assert (body["may"]["look_in"], body["may"]["stop"]) == (True, True)
    with api(site, run.token) as client:
        found = client.post(f"/labs/{run.lab}/runs/{run.number}/look")
    assert found.status_code == 200, found.text
    with site.visitor() as browser:
        way_in = found.json()["url"]
        wait_until(
            lambda: "/lab/tree/main.ipynb" in str(browser.get(way_in).url),
            seconds=30,
            what="the door is open",
        )
        base = way_in.partition("door?")[0]
        (kernel,) = browser.get(f"{base}api/kernels").raise_for_status().json()
        book = browser.get(f"{base}api/contents/main.ipynb").raise_for_status().json()
        assert book["content"]["cells"][1]["outputs"][0]["ename"] == "ValueError"
        assert said_by(browser, base, kernel["id"], "print(secret, os.getppid())") == "seen 1\n"
        thief = "print(open('/proc/1/environ').read())"
        assert "PermissionError" in said_by(browser, base, kernel["id"], thief)
    with site.visitor() as stranger:
        assert stranger.get(f"{base}api/kernels").status_code == 403
        assert stranger.get(way_in).status_code == 403, "a key is good once"
    assert docker("inspect", "-f", "{{.State.Running}}", run.container) == "true"
    run.order("stop")
    settled(run)
    assert run.state == "failed"


def said_by(browser: httpx.Client, base: str, kernel: str, code: str) -> str:
    """Execute code in a kernel, as JupyterLab does; return what came of it."""
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    origin = base.partition("/user/")[0]
    return asyncio.run(ask_kernel(f"{base}api/kernels/{kernel}/channels", origin, cookies, code))
