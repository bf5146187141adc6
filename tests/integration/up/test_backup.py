"""The manual's lines on backup and restore, run as they stand: nothing that people made is lost."""

import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
from tests.support.inside import inside
from tests.support.many_labs import notebook
from tests.support.site import PASSWORD, ROOT, Site, remove_leftovers, running
from tests.support.site_labs import publish

from machinelabs_hub.labs.models.run import RunState
from machinelabs_hub.labs.services.tools import Tools
from machinelabs_hub.labs.storage.runs import NewRun
from machinelabs_hub.up import kept
from machinelabs_hub.up.findings import Level

pytestmark = pytest.mark.engine

MANUAL = ROOT / "docs" / "how-to" / "back-up.md"


def blocks() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)


def run_as_written(script: str, site: Site, backup: Path) -> None:
    changes = {
        "/srv/machinelabs": str(site.data),
        "/backup/$(date +%F)": str(backup),
        "/backup/2026-11-21": str(backup),
        "machinelabs.site=ml": f"machinelabs.site={site.place.prefix}",
    }
    for old, new in changes.items():
        script = script.replace(old, new)
    subprocess.run(["bash", "-eu", "-c", script], check=True, capture_output=True)


def ran(site: Site) -> None:
    """Leave what a run leaves that put out a file."""
    tools = Tools.of(site.settings)
    lab = tools.labs.find("ada", "kept")
    assert lab is not None
    at = tools.clock()
    new = NewRun(
        person="ada",
        revision=1,
        path="main.ipynb",
        image="base",
        image_id="",
        flavour="cpu-small",
        parameters={},
        inputs=(),
        name="",
        note="",
        at=at,
    )
    run = tools.runs.add(lab, new)
    tools.runs.end(run, RunState.FINISHED, None, at)
    tools.events.append(run.id, 1, [{"at": "x", "kind": "stdout", "text": "trained\n"}])
    with tools.blobs.writer() as content:
        content.write(b"weights")
        sha256 = content.keep()
    tools.run_outputs.put(run, "model.bin", size=7, sha256=sha256, at=at)
    tools.close()


def test_after_a_restore_labs_homes_accounts_and_settings_are_there(tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    while_it_runs, homes, restore = blocks()
    with running(tmp_path / "data", site={"title": "Kept well"}) as site:
        files = {"main.ipynb": notebook("1 + 1"), "README.md": b"# Zebras\n"}
        publish(site, site.token("ada"), "kept", files, visibility="public")
        page = f"{site.labs_url}/ada/kept"
        ran(site)
        server = site.start_server("ada", image="base")
        assert inside(server.container, "sh", "-c", "echo mine > ~/unpublished.txt").code == 0
        password = site.admin_password
        run_as_written(f"{while_it_runs}\n{homes}", site, backup)

        site.stop()
        remove_leftovers(site.place, site.settings)
        shutil.rmtree(site.data)

        run_as_written(restore, site, backup)
        site.start()
        assert site.admin_password == password
        with site.sign_in("ada", PASSWORD) as ada:
            assert "Kept well" in ada.get("/hub/home").text
        assert "Zebras" in site.visitor().get(f"{page}/files/README.md").text
        run = f"{site.addresses.labs_local}/services/labs/api/v1/labs/ada/kept/runs/1"
        assert httpx.get(f"{run}/outputs/model.bin").content == b"weights"
        assert httpx.get(f"{run}/log").text == "trained\n"
        assert [finding.level for finding in kept.compared(site.settings)] == [Level.OK]
        server = site.start_server("ada", image="base")
        assert inside(server.container, "cat", "unpublished.txt").out == "mine"
        assert inside(server.container, "sh", "-c", "echo more >> ~/unpublished.txt").code == 0
        assert site.visitor().get("/hub/health").is_success
