"""From a process to its container and its counters, in every spelling that engines use."""

import os
import subprocess
from pathlib import Path

import pytest

from machinelabs_hub.gpu import cgroups

ID = "4f1c" * 16
OTHER = "0a9b" * 16

SPELLINGS = {
    "cgroupfs, v1": f"12:memory:/docker/{ID}\n4:cpu,cpuacct:/docker/{ID}\n0::/\n",
    "systemd, v1": f"4:memory:/system.slice/docker-{ID}.scope\n1:name=systemd:/x\n",
    "systemd, v2": f"0::/system.slice/docker-{ID}.scope\n",
    "cgroupfs, v2": f"0::/docker/{ID}\n",
    "rootless, v2": f"0::/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{ID}.scope\n",
    "containerd": f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope\n",
    "cri-o": f"0::/kubepods.slice/crio-{ID}.scope\n",
    "a group of its own inside": f"0::/system.slice/docker-{ID}.scope/init\n",
    "a container in a container": f"0::/docker/{ID}/docker/{OTHER}\n",
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS)
def test_a_process_is_found_in_its_container(text: str, tmp_path: Path) -> None:
    (tmp_path / "31").mkdir()
    (tmp_path / "31" / "cgroup").write_text(text)
    assert cgroups.container_of(31, proc=tmp_path) == ID


@pytest.mark.parametrize(
    "text",
    [
        "0::/user.slice/session-2.scope\n",
        "",
        f"0::/backup-of-{ID}0\n",
        "0::/system.slice/docker.service\n",
    ],
)
def test_a_process_of_the_machine_is_in_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "31").mkdir()
    (tmp_path / "31" / "cgroup").write_text(text)
    assert cgroups.container_of(31, proc=tmp_path) == ""


def test_a_process_that_ended_is_in_none() -> None:
    done = subprocess.Popen(["true"])
    done.wait()
    assert cgroups.container_of(done.pid) == ""
    assert cgroups.name_of(done.pid) == ""
    assert cgroups.inside_pid(done.pid) == done.pid


def test_this_very_process_has_a_name_and_its_own_number() -> None:
    assert cgroups.name_of(os.getpid()) == Path("/proc/self/comm").read_text().strip()
    assert cgroups.inside_pid(os.getpid()) == os.getpid()


NET = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop
    lo:  900      9    0    0    0     0          0         0      900       9    0    0
  eth0: 1000     10    0    0    0     0          0         0      234       3    0    0
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_counters_of_version_2(tmp_path: Path) -> None:
    root, proc = tmp_path / "cgroup", tmp_path / "proc"
    write(root / "cgroup.controllers", "cpu io memory\n")
    group = root / "system.slice" / f"docker-{ID}.scope"
    write(group / "cpu.stat", "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n")
    write(group / "io.stat", "8:0 rbytes=4096 wbytes=100 rios=1 wios=1\n8:16 rbytes=4 wbytes=0\n")
    write(group / "cgroup.procs", "31\n32\n")
    write(group / "inner" / OTHER / "cpu.stat", "usage_usec 1\n")
    write(proc / "31" / "net" / "dev", NET)
    assert cgroups.counters(root=root, proc=proc) == {ID: cgroups.Counters(2.5, 4200, 1234)}


@pytest.mark.parametrize("where", [f"docker/{ID}", f"system.slice/docker-{ID}.scope"])
def test_counters_of_version_1(where: str, tmp_path: Path) -> None:
    root, proc = tmp_path / "cgroup", tmp_path / "proc"
    write(root / "cpuacct" / where / "cpuacct.usage", "3250000000\n")
    write(root / "cpuacct" / where / "cgroup.procs", "31\n")
    write(
        root / "blkio" / where / "blkio.throttle.io_service_bytes",
        "8:0 Read 4096\n8:0 Write 4\n8:0 Total 4100\nTotal 4100\n",
    )
    write(proc / "31" / "net" / "dev", NET)
    assert cgroups.counters(root=root, proc=proc) == {ID: cgroups.Counters(3.25, 4100, 1234)}


def test_version_1_counts_no_write_that_waits_in_memory_so_processes_are_asked(
    tmp_path: Path,
) -> None:
    root, proc = tmp_path / "cgroup", tmp_path / "proc"
    group = root / "cpuacct" / "docker" / ID
    write(group / "cpuacct.usage", "0\n")
    write(group / "cgroup.procs", "31\n32\n33\n")
    write(root / "blkio" / "docker" / ID / "blkio.throttle.io_service_bytes", "Total 0\n")
    for pid, moved in {31: 1000, 32: 234}.items():
        counts = f"rchar: 9\nread_bytes: {moved}\nwrite_bytes: 4096\ncancelled_write_bytes: 5\n"
        write(proc / str(pid) / "io", counts)
    assert cgroups.counters(root=root, proc=proc)[ID].io_bytes == 1234 + 2 * 4096


def test_what_a_machine_does_not_tell_is_unknown_and_not_nothing(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    write(root / "cgroup.controllers", "\n")
    (root / "docker" / ID).mkdir(parents=True)
    found = cgroups.counters(root=root, proc=tmp_path)
    assert found == {ID: cgroups.Counters(None, None, None)}


def test_a_machine_without_containers_has_none(tmp_path: Path) -> None:
    assert cgroups.counters(root=tmp_path, proc=tmp_path) == {}
