"""What breaks beside a run on a real site: it ends truly, leaves nothing, and keeps what it made."""

import contextlib
import os
import signal
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from tests.support.inside import inside
from tests.support.site import Site, running
from tests.support.site_runs import SiteRun, start
from tests.support.waiting import wait_until

from machinelabs_hub.up import parts

PROOF = bool(os.environ.get("MACHINELABS_PROOF"))
CLOCK = Path(__file__).parents[2] / "support" / "jumping_clock.c"
LOG_MIB = 16
MIB = 1 << 20
LINES = "".join(f"{i}\n" for i in range(300))
COUNTS = (
    b"import pathlib, time\npathlib.Path('outputs').mkdir()\n"
    b"pathlib.Path('outputs/half.txt').write_text('half')\n"
    b"for i in range(300):\n    print(i, flush=True)\n    time.sleep(.1)\n"
)
"""Half a minute of lines."""

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(1200 if PROOF else 300),
    pytest.mark.skipif(os.geteuid() != 0, reason="links and file systems need root"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("faults")
    limits = {"requests_per_minute": 1_000_000}
    with running(folder, limits=limits, runs={"log_mib": LOG_MIB}) as one:
        yield one


def run_of(site: Site, name: str, work: bytes = COUNTS, *, says: str = "10\n") -> SiteRun:
    run = start(site, "fault-ada", name, {"main.py": work}, image="base")
    run.wait_to_say(says)
    return run


def counted(run: SiteRun) -> None:
    """It finished, and has every line once, in order, and what it put out."""
    assert run.state == "finished", run.reason
    assert run.said() == LINES
    numbers = [event["n"] for event in run.events()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert run.get("/outputs/half.txt").text == "half"
    run.settled()


# ---- the network between a run and the service


@contextmanager
def cut(run: SiteRun) -> Iterator[None]:
    """Pull the cable of a container."""
    number = inside(run.container, "cat", "/sys/class/net/eth0/iflink").out
    links = Path("/sys/class/net")
    (cable,) = (
        one.name for one in links.iterdir() if (one / "ifindex").read_text().strip() == number
    )
    subprocess.run(["ip", "link", "set", cable, "down"], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "link", "set", cable, "up"], check=True)


def test_a_run_outlives_a_minute_without_a_network(site: Site) -> None:
    run = run_of(site, "cut")
    with cut(run):
        wait_until(lambda: run.get().json()["out_of_contact"], seconds=45, what="nobody knows it")
        assert run.state == "running", "unknown is not gone"
        time.sleep(60 - 30 if PROOF else 4)
        assert run.state == "running"
    assert run.wait_for(seconds=60) == "finished"
    assert not run.get().json()["out_of_contact"]
    counted(run)


def test_an_order_to_stop_is_carried_out_when_the_network_is_back(site: Site) -> None:
    run = run_of(site, "cut-stop")
    with cut(run):
        run.order("stop")
        time.sleep(5)
        assert run.state == "running"
    assert run.wait_for(seconds=60) == "stopped"
    assert run.outputs() == ["half.txt"]
    run.settled()


# ---- outputs on their way

LARGE = 256 * MIB if PROOF else 96 * MIB
PUTS_OUT = (
    "import hashlib, pathlib, random\npathlib.Path('outputs').mkdir()\n"
    f"piece = random.Random(7).randbytes({MIB})\n"
    "with open('outputs/large.bin', 'wb') as file:\n"
    f"    for _ in range({LARGE // MIB}):\n        file.write(piece)\n"
    "pathlib.Path('outputs/z.txt').write_text('last')\n"
    "print(hashlib.sha256(pathlib.Path('outputs/large.bin').read_bytes()).hexdigest(), flush=True)\n"
).encode()


def half_way(site: Site) -> bool:
    aside = site.data / "blobs" / "new"
    sizes = [one.stat().st_size for one in aside.iterdir()] if aside.exists() else []
    return any(4 * MIB < size < LARGE for size in sizes)


def kept_whole(site: Site, run: SiteRun) -> None:
    assert run.outputs() == ["large.bin", "z.txt"]
    command = ["sha256sum", *map(str, (site.data / "blobs").glob("??/*"))]
    sums = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert run.said().strip() in sums
    assert not list((site.data / "blobs" / "new").iterdir())
    run.settled()


def test_an_upload_that_the_dying_service_cuts_is_done_again(site: Site) -> None:
    run = start(site, "fault-ada", "upload-kill", {"main.py": PUTS_OUT}, image="base")
    wait_until_tight(lambda: half_way(site), seconds=90)
    old = site.kill("labs")
    wait_until(lambda: site.pid("labs") != old, seconds=60, what="the labs service is back")
    assert run.wait_for(seconds=90) == "finished", run.reason
    kept_whole(site, run)


def test_an_upload_that_the_network_cuts_is_done_again(site: Site) -> None:
    run = start(site, "fault-ada", "upload-cut", {"main.py": PUTS_OUT}, image="base")
    wait_until_tight(lambda: half_way(site), seconds=90)
    with cut(run):
        time.sleep(20)
    assert run.wait_for(seconds=90) == "finished", run.reason
    kept_whole(site, run)


def wait_until_tight(true: Callable[[], bool], *, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.005)


# ---- a full disk


@contextmanager
def small(folder: Path, size: int) -> Iterator[Path]:
    """Lay a small file system over a folder; give a file in it that fills it when written."""
    kept = sorted(one.name for one in folder.iterdir() if one.is_dir())
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        for name in kept:
            (folder / name).mkdir()
        yield folder / "ballast"
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def test_a_run_outlives_a_disk_that_was_full_of_logs(site: Site) -> None:
    with small(site.data / "runs", 2 * MIB) as ballast:
        run = run_of(site, "full-log")
        fill(ballast)
        said = run.said()
        time.sleep(5)
        assert run.state == "running"
        assert len(run.said()) <= len(said) + 4096
        ballast.unlink()
        assert run.wait_for(seconds=90) == "finished"
        counted(run)


def test_outputs_wait_for_a_disk_that_was_full(site: Site) -> None:
    with small(site.data / "blobs", 4 * MIB) as ballast:
        fill(ballast)
        work = (
            b"import pathlib\npathlib.Path('outputs').mkdir()\n"
            b"pathlib.Path('outputs/half.txt').write_text('half')\nprint('10', flush=True)\n"
        )
        run = run_of(site, "full-blobs", work)
        time.sleep(8)
        assert run.state == "running"
        ballast.unlink()
        assert run.wait_for(seconds=60) == "finished"
        assert run.get("/outputs/half.txt").text == "half"
        run.settled()


def test_an_output_that_a_full_disk_never_takes_is_said(site: Site) -> None:
    with small(site.data / "blobs", 2 * MIB):
        work = (
            b"import pathlib\npathlib.Path('outputs').mkdir()\n"
            b"pathlib.Path('outputs/a.bin').write_bytes(bytes(8 << 20))\n"
            b"pathlib.Path('outputs/z.txt').write_text('last')\n"
        )
        run = start(site, "fault-ada", "too-full", {"main.py": work}, image="base")
        assert run.wait_for(seconds=120) == "finished"
        assert run.outputs() == ["z.txt"]
        (note,) = [event["text"] for event in run.events("note")]
        assert note.startswith("outputs/a.bin is not kept: ")
        run.settled()


# ---- clocks


@contextmanager
def labs_with_a_clock(site: Site, folder: Path) -> Iterator[Callable[[int], None]]:
    """Run the labs service by itself; give what puts its clock ahead by seconds."""
    library, ahead = folder / "jumping_clock.so", folder / "ahead"
    command = ["gcc", "-shared", "-fPIC", "-Os", "-o", str(library), str(CLOCK)]
    subprocess.run(command, check=True)
    ahead.write_bytes(struct.pack("q", 0))

    def jump(seconds: int) -> None:
        with ahead.open("r+b") as file:
            file.write(struct.pack("q", seconds))

    part = parts.labs(site.settings)
    environment = parts.environment_of(part, site.settings) | {
        "LD_PRELOAD": str(library),
        "JUMPING_CLOCK": str(ahead),
    }
    up = site.process
    assert up is not None
    # The site would put its own in its place.
    up.send_signal(signal.SIGSTOP)
    old = site.kill("labs")
    try:
        with (site.files.logs / "labs.log").open("ab") as log:
            process = subprocess.Popen(
                part.command, env=environment, cwd=site.data, stdout=log, stderr=log
            )
        try:
            wait_until(lambda: serves(part.ready), seconds=60, what="our service serves")
            yield jump
        finally:
            process.kill()
            process.wait()
    finally:
        up.send_signal(signal.SIGCONT)
        wait_until(
            lambda: site.pid("labs") != old and serves(part.ready),
            seconds=60,
            what="the site has its own service again",
        )


def serves(address: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(address, timeout=5).is_success
    return False


@pytest.mark.parametrize("seconds", [7200, -7200])
def test_a_clock_that_jumps_ends_no_run_and_hides_no_end(
    site: Site, tmp_path: Path, seconds: int
) -> None:
    with labs_with_a_clock(site, tmp_path) as jump:
        lasting = run_of(site, f"lasting-{seconds + 9000}")
        dying = run_of(site, f"dying-{seconds + 9000}")
        jump(seconds)
        time.sleep(4)
        assert lasting.state == "running"
        assert not lasting.get().json()["out_of_contact"]
        subprocess.run(["docker", "kill", dying.container], check=True, capture_output=True)
        assert dying.wait_for(seconds=60) == "lost"
        dying.settled()
        assert lasting.wait_for(seconds=60) == "finished"
        counted(lasting)
        ended = dying.get().json()["states"][-1]["at"]
        is_off = abs(datetime.fromisoformat(ended) - datetime.now(UTC)) > timedelta(hours=1)
        assert is_off, "the clock did not jump"


# ---- programs without measure

PRINTED = 2_000_000_000 if PROOF else 100_000_000


def memory_mib(pid: int) -> int:
    rows = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("VmRSS")) // 1024


def test_a_run_that_prints_far_too_much_ends_and_fills_nothing(site: Site) -> None:
    work = (
        "import pathlib\npathlib.Path('outputs').mkdir()\nline = 'x' * 99 + '\\n'\n"
        f"for _ in range({PRINTED // 1_000_000}):\n    print(line * 10_000, end='')\n"
        "pathlib.Path('outputs/end.txt').write_text('end')\n"
    ).encode()
    before = memory_mib(site.pid("labs"))
    run = start(site, "fault-ada", "prints", {"main.py": work}, image="base")
    highest = before

    def is_over() -> bool:
        nonlocal highest
        highest = max(highest, memory_mib(site.pid("labs")))
        return run.state in {"finished", "failed", "lost"}

    wait_until(is_over, seconds=900 if PROOF else 200, what="it ended")
    assert run.state == "finished", run.reason
    assert run.outputs() == ["end.txt"]
    (note,) = [event["text"] for event in run.events("note")]
    assert note.startswith(f"The log is longer than {LOG_MIB} MiB.")
    kept = (site.data / "runs" / str(run.id) / "events.jsonl").stat().st_size
    assert kept <= (LOG_MIB + 4) * MIB
    assert highest - before < 150
    run.settled()


STUBBORN = (
    b"import os, pathlib, signal, time\nfor one in (2, 15, 1):\n    signal.signal(one, signal.SIG_IGN)\n"
    b"pathlib.Path('outputs').mkdir()\npathlib.Path('outputs/half.txt').write_text('half')\n"
    b"os.fork()\nos.setsid() if os.getpgid(0) != os.getpid() else 0\n"
    b"print('10', flush=True)\nwhile True:\n    time.sleep(1)\n"
)


def test_a_run_that_ignores_every_order_to_stop_is_stopped(site: Site) -> None:
    run = run_of(site, "stubborn", STUBBORN)
    run.order("stop")
    assert run.wait_for(seconds=60) == "stopped"
    assert run.outputs() == ["half.txt"]
    run.settled()


def test_a_server_that_ignores_signals_and_is_deleted_at_the_hub_is_stopped(site: Site) -> None:
    run = run_of(site, "stubborn-hub", STUBBORN)
    site.operator("DELETE", f"/users/{run.person}/servers/{run.server}", json={"remove": True})
    assert run.wait_for(seconds=60) == "stopped"
    assert run.outputs() == ["half.txt"]
    run.settled()


def test_a_bomb_of_forks_hurts_nobody_else(site: Site) -> None:
    work = (
        b"import os, time\nprint('10', flush=True)\nwhile True:\n    try:\n        os.fork()\n"
        b"    except OSError:\n        time.sleep(.05)\n"
    )
    bomb = run_of(site, "bomb", work)
    other = start(site, "fault-bob", "beside", {"main.py": b"print(10)\n"}, image="base")
    assert other.wait_for(seconds=90) == "finished"
    bomb.order("stop")
    assert bomb.wait_for(seconds=60) == "stopped"
    bomb.settled()
