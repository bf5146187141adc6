"""A container of one's own: each promise is tried from inside a real one."""

import resource
import subprocess
from collections.abc import Iterator

import pytest
from tests.support.inside import inside, python
from tests.support.kernel import kernel
from tests.support.site import Server, Site

pytestmark = pytest.mark.engine

MIB = 2**20


@pytest.fixture(scope="module")
def ada(site: Site) -> Iterator[Server]:
    """Ada's server, of the smallest size."""
    (site.files.data / "datasets").mkdir(exist_ok=True)
    (site.files.data / "datasets" / "iris.csv").write_text("5.1,3.5\n", encoding="utf-8")
    server = site.start_server("box-ada", image="base", flavour="cpu-small")
    yield server
    site.stop_server("box-ada")


def test_it_runs_as_an_ordinary_user_who_cannot_become_another(ada: Server) -> None:
    assert inside(ada.container, "id", "-u").out == "1000"
    assert inside(ada.container, "id", "-g").out == "1000"
    assert inside(ada.container, "su", "-c", "id").code != 0
    assert python(ada.container, "import os; os.setuid(0)").code != 0


def test_it_has_no_capability_and_can_gain_none(ada: Server) -> None:
    status = inside(ada.container, "cat", "/proc/self/status").out
    rows = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(rows[kind], 16) == 0, kind
    assert rows["NoNewPrivs"] == "1"
    assert rows["Seccomp"] == "2"
    raw = "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)"
    assert "PermissionError" in python(ada.container, raw).err
    assert inside(ada.container, "mount", "-t", "tmpfs", "none", "/mnt").code != 0
    assert inside(ada.container, "touch", "/usr/bin/ours").code != 0


def test_memory_ends_at_the_flavours_size_with_no_swap_beyond(ada: Server) -> None:
    eat = "import time\nfood=[]\nwhile True: food.append(bytearray(64 << 20))"
    assert python(ada.container, eat).code == 137
    # Eating ended the eater, not the server.
    with ada.client() as client:
        assert client.get("api/status").status_code == 200
    limits = inside_limits(ada.container)
    assert limits == {"memory": 2048 * MIB, "memory and swap": 2048 * MIB}


def inside_limits(container: str) -> dict[str, int]:
    """Read the memory limits where the kernel shows them inside: cgroup 1 or 2."""
    code = """
from pathlib import Path
old, new = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
if (old / "memory.limit_in_bytes").exists():
    print((old / "memory.limit_in_bytes").read_text(), (old / "memory.memsw.limit_in_bytes").read_text())
else:
    most = int((new / "memory.max").read_text())
    print(most, most + int((new / "memory.swap.max").read_text()))
"""
    memory, both = python(container, code).out.split()
    return {"memory": int(memory), "memory and swap": int(both)}


def test_two_busy_processes_get_one_core_between_them(ada: Server) -> None:
    code = """
import os, time
def burn():
    until = time.monotonic() + 2
    while time.monotonic() < until: pass
for _ in range(2):
    if os.fork() == 0:
        burn(); os._exit(0)
began = time.monotonic()
os.wait(); os.wait()
used = os.times()
print((used.children_user + used.children_system) / (time.monotonic() - began))
"""
    assert float(python(ada.container, code).out) < 1.3


def test_processes_are_bounded(ada: Server) -> None:
    code = """
import os, signal
born = []
try:
    while len(born) < 2000:
        child = os.fork()
        if child == 0:
            signal.pause()
        born.append(child)
except OSError as error:
    print(error.errno, len(born))
for child in born:
    os.kill(child, 9)
"""
    number, born = python(ada.container, code).out.split()
    assert number == "11"
    assert 100 < int(born) < 512


def test_open_files_are_bounded(ada: Server) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = 65536 if hard == resource.RLIM_INFINITY else min(65536, hard)
    code = """
import os
held = []
try:
    while True: held.append(os.open("/dev/null", os.O_RDONLY))
except OSError as error:
    print(error.errno, len(held))
"""
    number, held = python(ada.container, code).out.split()
    assert number == "24"
    assert most - 20 < int(held) <= most


def test_shared_memory_is_as_large_as_the_flavour_says(ada: Server) -> None:
    code = """
import os
found = os.statvfs("/dev/shm")
print(found.f_blocks * found.f_frsize)
try:
    with open("/dev/shm/ours", "wb") as file:
        for _ in range(300): file.write(bytes(1 << 20))
except OSError as error:
    print(error.errno)
os.remove("/dev/shm/ours")
"""
    assert python(ada.container, code).out.split() == [str(256 * MIB), "28"]


def test_children_that_nobody_waits_for_leave_no_zombies(ada: Server) -> None:
    code = """
import os, subprocess, time
for _ in range(20):
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
    os.wait()
time.sleep(0.5)
states = [open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()[0] for p in os.listdir("/proc") if p.isdigit()]
print(states.count("Z"))
"""
    assert python(ada.container, code).out == "0"
    assert "init" in inside(ada.container, "cat", "/proc/1/comm").out


def test_datasets_are_read_and_never_written(ada: Server) -> None:
    assert inside(ada.container, "cat", "/home/jovyan/datasets/iris.csv").out == "5.1,3.5"
    assert inside(ada.container, "touch", "/home/jovyan/datasets/mine").code != 0
    assert inside(ada.container, "rm", "-f", "/home/jovyan/datasets/iris.csv").code != 0


def test_no_card_is_there_without_a_claim(ada: Server) -> None:
    assert inside(ada.container, "printenv", "NVIDIA_VISIBLE_DEVICES").out == "void"
    assert python(ada.container, "import glob; print(glob.glob('/dev/nvidia*'))").out == "[]"


def test_the_engine_the_host_and_other_processes_are_out_of_sight(ada: Server) -> None:
    assert inside(ada.container, "ls", "/var/run/docker.sock").code != 0
    names = python(
        ada.container,
        "import os; print(*(open(f'/proc/{p}/comm').read().strip() for p in os.listdir('/proc') if p.isdigit()))",
    ).out
    assert "dockerd" not in names
    disks = python(ada.container, "import os; print(*os.listdir('/dev'))").out.split()
    assert not {"sda", "vda", "mem", "kmsg", "fuse"} & set(disks)


def test_kernels_are_reached_over_ipc_and_open_no_port(ada: Server) -> None:
    with kernel(ada) as python3:
        assert python3.run("print(6 * 7)") == "42\n"
        found = python3.run(
            "import json, sys\n"
            "from ipykernel.connect import get_connection_file\n"
            "print(json.load(open(get_connection_file()))['transport'])"
        )
        assert found == "ipc\n"
    assert open_ports(ada.container) == {8888}


def open_ports(container: str) -> set[int]:
    """The ports that anybody but the container itself could reach."""
    rows = inside(container, "cat", "/proc/net/tcp").out.splitlines()[1:]
    listening = [row.split()[1].split(":") for row in rows if row.split()[3] == "0A"]
    return {int(port, 16) for address, port in listening if not address.endswith("7F")}


def test_the_log_that_the_engine_keeps_is_bounded(ada: Server) -> None:
    shown = subprocess.run(
        ["docker", "inspect", "-f", "{{json .HostConfig.LogConfig.Config}}", ada.container],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert '"max-size":"10m"' in shown
    assert '"max-file":"3"' in shown


def test_the_token_inside_is_the_persons_for_little(site: Site, ada: Server) -> None:
    site.make_user("box-eve")
    code = """
import json, os, urllib.error, urllib.request
def ask(method, path, data=None):
    request = urllib.request.Request(os.environ["JUPYTERHUB_API_URL"] + path, method=method, data=data,
        headers={"Authorization": "token " + os.environ["JUPYTERHUB_API_TOKEN"]})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, None
status, me = ask("GET", "/user")
print(status, me["name"], json.dumps(sorted(me["scopes"])))
for method, path in [("GET", "/users"), ("GET", "/users/box-eve"), ("POST", "/users/box-ada/tokens"),
                     ("POST", "/users/box-ada/servers/more"), ("DELETE", "/users/box-ada/server"),
                     ("POST", "/users/box-eve/server"), ("POST", "/shutdown"), ("GET", "/proxy")]:
    print(ask(method, path, b"{}" if method == "POST" else None)[0])
"""
    first, *others = python(ada.container, code).out.splitlines()
    status, name, scopes = first.split(" ", 2)
    assert (status, name) == ("200", "box-ada")
    assert "servers" not in scopes.replace("access:servers", "")
    assert "admin" not in scopes
    assert set(others) <= {"403", "404"}
