"""The manual's systemd unit: systemd finds nothing wrong, and its commands run in systemd's environment."""

import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from tests.support.places import Place
from tests.support.site import READY, ROOT, Site, remove_leftovers
from tests.support.waiting import wait_until

MANUAL = ROOT / "docs" / "how-to" / "install.md"
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}
STOP_SECONDS = 5


@pytest.fixture
def unit() -> str:
    (found,) = re.findall(r"```ini\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)
    return str(found).replace("/srv/machinelabs-checkout", str(ROOT))


def setting(unit: str, key: str) -> str:
    (found,) = re.findall(rf"(?m)^{key}=(.+)$", unit)
    return str(found)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_finds_nothing_wrong(unit: str, tmp_path: Path) -> None:
    file = tmp_path / "machinelabs.service"
    file.write_text(unit, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(file)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.engine
def test_its_command_starts_a_site_and_its_signal_stops_it(unit: str, tmp_path: Path) -> None:
    site = Site(data=tmp_path, place=Place.find())
    site.write_settings()
    command = setting(unit, "ExecStart").replace("/srv/machinelabs", str(tmp_path)).split()
    log = tmp_path / "up.out"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=setting(unit, "WorkingDirectory"), env=ENVIRONMENT, stdout=out, stderr=out
        )
    try:
        wait_until(lambda: READY in log.read_text(), seconds=120, what="the site")
        with site.visitor() as visitor:
            assert visitor.get("/hub/login").is_success
        process.send_signal(getattr(signal, setting(unit, "KillSignal")))
        assert process.wait(timeout=STOP_SECONDS) == 0
    finally:
        process.kill()
        process.wait()
        remove_leftovers(site.place, site.settings)
