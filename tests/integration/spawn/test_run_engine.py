"""The engine is restarted under a run: in order, or killed. It has one of its own for that."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from tests.support.own_engine import own_engine
from tests.support.places import Place
from tests.support.site import ROOT, Site
from tests.support.site_runs import SiteRun, start
from tests.support.waiting import wait_until

from machinelabs_hub.catalog.load import load
from machinelabs_hub.images.build import build_images
from machinelabs_hub.sites import catalog_file

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(400),
    pytest.mark.skipif(os.geteuid() != 0, reason="an engine of one's own needs root"),
]

COUNTS = (
    b"import pathlib, time\npathlib.Path('outputs').mkdir()\n"
    b"pathlib.Path('outputs/half.txt').write_text('half')\n"
    b"for i in range(10_000):\n    print(i, flush=True)\n    time.sleep(.1)\n"
)


@dataclass
class Engine:
    """An engine that can be restarted."""

    address: str
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def pid_file(self) -> Path:
        return Path(self.address.removeprefix("unix://")).with_name("pid")

    def run(self, *arguments: str) -> str:
        command = ["docker", "-H", self.address, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    def restart(self, number: int) -> None:
        """End the engine and begin it anew, as its keeper does."""
        pid = int(self.pid_file.read_text(encoding="ascii"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        os.kill(pid, number)
        wait_until(lambda: has_ended(pid), seconds=60, what="the engine ended")
        with self.pid_file.with_name("again.log").open("ab") as log:

            def is_up() -> bool:
                if self.process is None or self.process.poll() is not None:
                    self.pid_file.unlink(missing_ok=True)
                    self.process = subprocess.Popen(command, stdout=log, stderr=log)
                return bool(self.run("info", "-f", "{{.ID}}"))

            self.end()
            wait_until(is_up, seconds=120, what="the engine is back")

    def end(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=60)
            self.process = None
            # One that was killed left this mounted, below what the next one did.
            unmount = ["umount", str(self.pid_file.with_name("data"))]
            while subprocess.run(unmount, capture_output=True, check=False).returncode == 0:
                continue


def has_ended(pid: int) -> bool:
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return True


@dataclass
class Case:
    site: Site
    engine: Engine

    def started(self, name: str) -> SiteRun:
        run = start(self.site, "ada", name, {"main.py": COUNTS})
        run.wait_to_say("10\n")
        wait_until(lambda: run.outputs() == ["half.txt"], seconds=30, what="its file is kept")
        return run

    def assert_nothing_left(self, run: SiteRun) -> None:
        run.settled()
        names = ["--filter", f"name=^/{run.container}$"]
        wait_until(lambda: not self.engine.run("ps", "-aq", *names), seconds=30, what="it is gone")


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    folder = tmp_path_factory.mktemp("engine")
    images = folder / "images"
    shutil.copytree(ROOT / "images", images)
    offered = yaml.safe_load((images / "catalog.yaml").read_text(encoding="utf-8"))
    offered["images"] = [row for row in offered["images"] if row["name"] == "base"]
    (images / "catalog.yaml").write_text(yaml.safe_dump(offered), encoding="utf-8")
    own = {"catalog": str(images / "catalog.yaml"), "servers": {"default_image": "base"}}
    site = Site(data=folder / "data", place=Place.find(), overrides=own)
    site.write_settings()
    catalog = load(catalog_file(site.settings), site.files.builds)
    tag = build_images(site.settings, catalog, print)["base"].tag
    with own_engine() as address:
        engine = Engine(address)
        copy = f"docker save {tag} | docker -H {address} load"
        subprocess.run(["sh", "-c", copy], check=True, capture_output=True)
        site.overrides = own | {"engine": {"socket": address}}
        site.write_settings()
        try:
            site.start()
            yield Case(site, engine)
        finally:
            site.stop()
            engine.run("container", "rm", "-f", *engine.run("container", "ls", "-aq").split())
            site.remove()
            engine.end()


def test_a_run_whose_engine_is_restarted_keeps_what_it_made(case: Case) -> None:
    run = case.started("restarted")
    case.engine.restart(signal.SIGTERM)
    # The engine asks its containers to end, and so the run can still say how it did.
    assert run.wait_for(seconds=60) in {"stopped", "lost"}
    assert run.outputs() == ["half.txt"]
    assert "10\n" in run.said()
    case.assert_nothing_left(run)


@pytest.mark.proof
@pytest.mark.skipif(not os.environ.get("MACHINELABS_PROOF"), reason="make proof runs it")
def test_a_run_whose_engine_is_killed_goes_on_until_the_next_one_ends_it(case: Case) -> None:
    run = case.started("killed")
    case.engine.restart(signal.SIGKILL)
    # Without its engine it went on; the engine that came back knows no way to keep it.
    assert run.wait_for(seconds=60) in {"stopped", "lost"}
    said = run.said().splitlines()
    assert said == [str(number) for number in range(len(said))]
    assert run.outputs() == ["half.txt"]
    case.assert_nothing_left(run)


def test_runs_start_again_on_an_engine_that_is_back(case: Case) -> None:
    run = start(case.site, "ada", "afterwards", {"main.py": b"print('here')\n"})
    assert run.wait_for(seconds=90) == "finished", run.reason
    assert run.said() == "here\n"
    case.assert_nothing_left(run)
